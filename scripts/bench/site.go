package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// domains is how many the site has.
const domains = 1000

func domainName(i int) string      { return "d" + strconv.Itoa(i) + ".example" }
func address(i int) string         { return "u" + strconv.Itoa(i) + "@" + domainName(i%domains) }
func certificateName(i int) string { return fmt.Sprintf("c%d.pem", i) }
func keyName(i int) string         { return fmt.Sprintf("k%d.pem", i) }

const siteText = `providers:
  - {id: example, name: Example Mail, short_name: Example}
plans:
  - name: standard
    provider: example
    servers: {imap: {host: imap.example.com}, pop3: {host: pop.example.com}, smtp: {host: smtp.example.com}}
    services: {caldav: "https://dav.example.com/", carddav: "https://dav.example.com/", webmail: "https://mail.example.com/"}
    policy:
      rules:
        - {name: kiosk machines, match: {group: kiosk}, protocol: pop3}
        - {name: small mailbox on one device, match: {devices: one, quota_below: 500MB}, protocol: pop3}
domains: []
`

// makeStore fills an SQLite file by the commands that an operator uses.
func makeStore(binary, folder string, accounts int) error {
	if err := writeFile(folder, "autoconfig.yaml", "public_url: https://setup.example.com\ndatabase: \"sqlite:store.db\"\n"); err != nil {
		return err
	}
	err := table(folder, "domains.csv", "domain,plan", domains, func(i int) string { return domainName(i) + ",standard" })
	if err != nil {
		return err
	}
	err = table(folder, "accounts.csv", "address,name,devices,quota,groups,protocol", accounts, func(i int) string {
		devices, quota, group, protocol := "several", "5GB", "", ""
		switch i % 10 {
		case 0:
			group = "kiosk"
		case 1:
			devices, quota = "one", "200MB"
		case 2:
			protocol = "pop3"
		}
		return fmt.Sprintf("%s,Person %d,%s,%s,%s,%s", address(i), i, devices, quota, group, protocol)
	})
	if err == nil {
		err = writeFile(folder, "site.yaml", siteText)
	}
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"apply"}, {"import", "domains", "domains.csv"}, {"import", "accounts", "accounts.csv"}} {
		cmd := exec.Command(binary, args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", args, err, out)
		}
	}
	return nil
}

func table(folder, name, head string, rows int, row func(i int) string) error {
	f, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	_, _ = fmt.Fprintln(w, head) // Flush tells
	for i := range rows {
		_, _ = fmt.Fprintln(w, row(i))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func writeFile(folder, name, text string) error {
	return os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)
}

// makeCertificates makes one for each domain, on P-256, signed by itself.
func makeCertificates(folder string) error {
	for i := range domains {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i) + 1), Subject: pkix.Name{CommonName: domainName(i)}, DNSNames: []string{"autoconfig." + domainName(i)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return err
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		for name, block := range map[string]*pem.Block{
			certificateName(i): {Type: "CERTIFICATE", Bytes: der}, keyName(i): {Type: "PRIVATE KEY", Bytes: private},
		} {
			if err := writeFile(folder, name, string(pem.EncodeToMemory(block))); err != nil {
				return err
			}
		}
	}
	return nil
}

// configuration is that of a service that bounds clients, but never refuses one.
func configuration(listen, admin, database, more string) string {
	return fmt.Sprintf("public_url: https://setup.example.com\nlisten: %s\nadmin_listen: %s\ndatabase: \"sqlite:%s\"\n"+
		"rate_limit: {per_second: 1000000, burst: 1000000}\ncheck: {every: \"0\"}\n%s", listen, admin, database, more)
}

// tlsKeys are the configuration's keys for the certificates, by names that are short: a
// configuration has at most 64 KiB.
func tlsKeys() string {
	var text strings.Builder
	fmt.Fprintf(&text, "tls:\n  certificate: %s\n  key: %s\n  pairs:\n", certificateName(0), keyName(0))
	for i := 1; i < domains; i++ {
		fmt.Fprintf(&text, "  - {certificate: %s, key: %s}\n", certificateName(i), keyName(i))
	}
	return text.String()
}
