package main

import (
	"bytes"
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/mobileconfig"
)

// A floor is the least that an answer can cost: a server with the same library that
// knows the bytes already.
const (
	floorEcho  = "echo"  // sends them
	floorParse = "parse" // reads the request with encoding/xml and puts the address in
	floorSign  = "sign"  // signs them
	floorTLS   = "tls"   // sends them over TLS, with net/http alone
)

// sampleAddress is the one in the bytes of a floor.
const sampleAddress = "u7@d7.example"

// serveFloor takes the kind, the address to listen at, the file with the bytes, their
// media type, the folder with the certificates, and the status of the answers.
func serveFloor(args []string) error {
	kind, address, mediaType, folder := args[0], args[1], args[3], args[4]
	status, err := strconv.Atoi(args[5])
	if err != nil {
		return err
	}
	ready, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	if kind == floorTLS {
		return serveTLS(address, mediaType, folder, ready)
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	var answer func(echo.Context) ([]byte, error) // nil for the bytes as they are
	switch kind {
	case floorParse:
		answer = func(c echo.Context) ([]byte, error) { return parsed(c, string(ready)) }
	case floorSign:
		identity, err := readIdentity(folder)
		if err != nil {
			return err
		}
		answer = func(echo.Context) ([]byte, error) { return identity.Sign(ready) }
	}
	e.Any("/*", func(c echo.Context) error {
		body := ready
		if answer != nil {
			var err error
			if body, err = answer(c); err != nil {
				return err
			}
		}
		return c.Blob(status, mediaType, body)
	})
	return e.Start(address)
}

func parsed(c echo.Context, ready string) ([]byte, error) {
	var posted struct {
		Request struct {
			EMailAddress             string
			AcceptableResponseSchema string
		}
	}
	body, err := io.ReadAll(c.Request().Body)
	if err == nil {
		err = xml.Unmarshal(body, &posted)
	}
	if err != nil {
		return nil, err
	}
	var address bytes.Buffer
	if err := xml.EscapeText(&address, []byte(posted.Request.EMailAddress)); err != nil {
		return nil, err
	}
	return []byte(strings.ReplaceAll(ready, sampleAddress, address.String())), nil
}

func serveTLS(address, mediaType, folder string, ready []byte) error {
	pairs := map[string]*tls.Certificate{}
	for i := range domains {
		pair, err := tls.LoadX509KeyPair(filepath.Join(folder, certificateName(i)), filepath.Join(folder, keyName(i)))
		if err != nil {
			return err
		}
		pairs["autoconfig."+domainName(i)] = &pair
	}
	s := &http.Server{
		Addr: address, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := pairs[hello.ServerName]; pair != nil {
				return pair, nil
			}
			return nil, fmt.Errorf("there is no certificate for %q", hello.ServerName)
		}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			_, _ = w.Write(ready)
		}),
	}
	return s.ListenAndServeTLS("", "")
}

func readIdentity(folder string) (*mobileconfig.Identity, error) {
	certificate, err := os.ReadFile(filepath.Join(folder, certificateName(0)))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(folder, keyName(0)))
	if err != nil {
		return nil, err
	}
	return mobileconfig.ParseIdentity(certificate, key)
}
