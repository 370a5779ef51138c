package server

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/internal/web"
)

var (
	errCoding = errors.New("a content coding that isn't read")
	errBroken = errors.New("a body that ends early or can't be decompressed")
)

// readPosted reads at most autodiscover.MaxBody bytes of a body, and as many of what it
// is decompressed to: more of a bomb is never made.
func readPosted(r *http.Request) ([]byte, error) {
	text, err := readBody(r)
	switch {
	case web.IsTooLarge(err), len(text) > autodiscover.MaxBody:
		return nil, web.ErrTooLarge
	case errors.Is(err, errCoding):
		return nil, err
	case err != nil: // cut off, badly chunked or badly compressed: the client's fault
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	return text, nil
}

func readBody(r *http.Request) ([]byte, error) {
	if len(r.Header["Content-Encoding"]) == 0 { // nearly always
		if text, whole := web.Posted(r); whole {
			return text, nil
		}
	}
	body, err := decompressed(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(body, autodiscover.MaxBody+1))
}

// decompressed is a body without its content coding (RFC 9110, section 8.4). One is
// undone: nobody compresses a request twice.
func decompressed(r *http.Request) (io.Reader, error) {
	var coding string
	for name := range strings.SplitSeq(strings.Join(r.Header.Values("Content-Encoding"), ","), ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || name == "identity" {
			continue
		}
		if coding != "" {
			return nil, errCoding
		}
		coding = name
	}
	switch coding {
	case "":
		return r.Body, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r.Body)
	case "deflate":
		return inflated(r.Body)
	}
	return nil, errCoding
}

// inflated undoes deflate, which is zlib's format (RFC 9110, section 8.4.1.2), and of
// some programs the compressed bytes without it.
func inflated(body io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(body)
	head, _ := buffered.Peek(2)
	if len(head) == 2 && head[0]&0x0F == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 { // RFC 1950, section 2.2
		return zlib.NewReader(buffered)
	}
	return flate.NewReader(buffered), nil
}
