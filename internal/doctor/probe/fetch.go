package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How much a web server may make us do.
const (
	fetchTimeout = 10 * time.Second
	maxRedirects = 20 // as browsers and Thunderbird
	maxPage      = 1 << 20
)

// Request is one that a program sends.
type Request struct {
	Method, URL string
	Body        string
	Header      map[string]string
}

// Get is a plain request for a URL.
func Get(url string) Request { return Request{Method: http.MethodGet, URL: url} }

// PostXML posts a document.
func PostXML(url, body string) Request {
	return Request{http.MethodPost, url, body, map[string]string{"Content-Type": "text/xml; charset=utf-8"}}
}

// Page is what a request ended with, after all redirects.
type Page struct {
	Asked string // the URL that was asked
	// Hops are the URLs that redirects led over, the asked one not among them.
	Hops []string
	// Locations are what the redirects said, as they said it.
	Locations []string
	Status    int
	Header    http.Header
	// Chunked means that the body came in pieces, without its length.
	Chunked bool
	Body    []byte
}

// At is the URL that answered.
func (p Page) At() string {
	if len(p.Hops) > 0 {
		return p.Hops[len(p.Hops)-1]
	}
	return p.Asked
}

// Downgraded tells whether a redirect left https.
func (p Page) Downgraded() bool {
	before := p.Asked
	for _, hop := range p.Hops {
		if strings.HasPrefix(before, "https:") && strings.HasPrefix(hop, "http:") {
			return true
		}
		before = hop
	}
	return false
}

// MediaType is the page's Content-Type for people.
func (p Page) MediaType() string { return cmp.Or(p.Header.Get("Content-Type"), "no media type") }

// Fetch sends a request and follows its redirects, twenty at most. Each host on the
// way is resolved, and dialled only if the policy permits it; nothing is kept for a
// next request. At most 1 MiB of the body is read, and the whole takes ten
// seconds at most. A page whose body can't be read has its status all the same, and one
// that isn't there the redirects on the way to it.
func (p *Prober) Fetch(ctx context.Context, r Request) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	got := Page{Asked: r.URL}
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:       p.dialHost,
			TLSClientConfig:   &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12, Time: p.Time},
			DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if len(got.Hops) == maxRedirects {
				return fmt.Errorf("%w: more than %d redirects", ErrRedirects, maxRedirects)
			}
			got.Hops = append(got.Hops, next.URL.String())
			got.Locations = append(got.Locations, next.Response.Header.Get("Location"))
			return nil
		},
	}
	ask, err := http.NewRequestWithContext(ctx, r.Method, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return got, err
	}
	for name, value := range r.Header {
		ask.Header.Set(name, value)
	}
	answer, err := client.Do(ask)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the URL is said anyway
		}
		if strings.HasPrefix(err.Error(), "failed to parse Location") {
			err = fmt.Errorf("%w: %w", ErrLocation, err)
		}
		return got, err
	}
	defer func() { _ = answer.Body.Close() }()
	got.Status, got.Header, got.Chunked = answer.StatusCode, answer.Header, answer.ContentLength < 0
	got.Body, err = io.ReadAll(io.LimitReader(answer.Body, maxPage))
	return got, err
}

// ErrDocument means that a URL doesn't give a document.
var ErrDocument = errors.New("no document")

// Document fetches a document of less than 1 MiB, as [Prober.Fetch] does. A
// redirect that leaves https and other answers than 200 are [ErrDocument].
func (p *Prober) Document(ctx context.Context, address string) ([]byte, error) {
	got, err := p.Fetch(ctx, Get(address))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("it was not answered in time, which is %s at most: %w", fetchTimeout, err)
	case err != nil:
		return nil, err
	case got.Downgraded():
		return nil, fmt.Errorf("%w: a redirect leads to %s, which is not https", ErrDocument, shownURL(got.At()))
	case got.Status != http.StatusOK:
		return nil, fmt.Errorf("%w: %s answers %d", ErrDocument, shownURL(got.At()), got.Status)
	case len(got.Body) == maxPage:
		return nil, fmt.Errorf("%w: %s answers with %d KiB or more", ErrDocument, shownURL(got.At()), maxPage>>10)
	}
	return got.Body, nil
}

var (
	// ErrRedirects means that redirects don't end.
	ErrRedirects = errors.New("a redirect without an end")
	// ErrLocation means that a redirect's Location can't be read.
	ErrLocation = errors.New("a redirect that can't be read")
)

// ErrNoHost means that the name in a URL has no address.
var ErrNoHost = errors.New("no such host")

// shownURL is a URL without the password that an operator may have written into it.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a URL"
	}
	return u.Redacted()
}

func (p *Prober) dialHost(ctx context.Context, network, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, err
	}
	ips, answer, err := p.Resolver.Addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%w: %s%s", ErrNoHost, host, answer.Lack())
	}
	return p.Dialer.Dial(ctx, network, ips, port)
}
