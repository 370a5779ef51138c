package doctor

import (
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
	maxRedirects = 10
	maxPage      = 256 << 10
)

// request is one that a program sends.
type request struct {
	method, url string
	body        string
	header      map[string]string
}

// page is how it was answered, at the end of all redirects.
type page struct {
	request
	// hops are the URLs that redirects led over, the asked one not among them.
	hops   []string
	status int
	header http.Header
	body   []byte
}

// at is the URL that answered.
func (p page) at() string {
	if len(p.hops) > 0 {
		return p.hops[len(p.hops)-1]
	}
	return p.url
}

// downgraded tells whether a redirect left https.
func (p page) downgraded() bool {
	before := p.url
	for _, hop := range p.hops {
		if strings.HasPrefix(before, "https:") && strings.HasPrefix(hop, "http:") {
			return true
		}
		before = hop
	}
	return false
}

// isXML is what Thunderbird takes for a document: it compares letter by letter.
func (p page) isXML() bool {
	kind := p.header.Get("Content-Type")
	return strings.HasPrefix(kind, "text/xml") || strings.HasPrefix(kind, "application/xml")
}

// fetch sends a request and follows its redirects. Each host on the way is
// resolved and judged; nothing is kept for a next request.
func (x *examination) fetch(ctx context.Context, r request) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	p := page{request: r}
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:       x.dialHost,
			TLSClientConfig:   &tls.Config{RootCAs: x.Roots, MinVersion: tls.VersionTLS12, Time: x.now},
			DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if len(p.hops) == maxRedirects {
				return errors.New("more than 10 redirects")
			}
			p.hops = append(p.hops, next.URL.String())
			return nil
		},
	}
	ask, err := http.NewRequestWithContext(ctx, r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		return p, err
	}
	for name, value := range r.header {
		ask.Header.Set(name, value)
	}
	answer, err := client.Do(ask)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the URL is said anyway
		}
		return p, err
	}
	defer func() { _ = answer.Body.Close() }()
	p.status, p.header = answer.StatusCode, answer.Header
	p.body, err = io.ReadAll(io.LimitReader(answer.Body, maxPage))
	return p, err
}

// ErrDocument means that a URL doesn't give a document.
var ErrDocument = errors.New("no document")

// Document fetches a document of at most 256 KiB. Each host on the way is resolved
// and judged, as in a check, and a redirect that leaves https is refused. Other
// answers than 200 are [ErrDocument].
func (c *Checker) Document(ctx context.Context, address string) ([]byte, error) {
	x := &examination{Checker: c}
	p, err := x.fetch(ctx, request{method: http.MethodGet, url: address})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("it was not answered in time, which is %s at most: %w", fetchTimeout, err)
	case err != nil:
		return nil, err
	case p.downgraded():
		return nil, fmt.Errorf("%w: a redirect leads to %s, which is not https", ErrDocument, shownURL(p.at()))
	case p.status != http.StatusOK:
		return nil, fmt.Errorf("%w: %s answers %d", ErrDocument, shownURL(p.at()), p.status)
	case len(p.body) == maxPage:
		return nil, fmt.Errorf("%w: %s answers with %d KiB or more", ErrDocument, shownURL(p.at()), maxPage>>10)
	}
	return p.body, nil
}

// shownURL is a URL without the password that an operator may have written into it.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a URL"
	}
	return u.Redacted()
}

func (x *examination) dialHost(ctx context.Context, network, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, err
	}
	ips, answer, err := x.Resolver.Addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%w: %s%s", errNoHost, host, nameless(answer))
	}
	return x.Dialer.dial(ctx, network, ips, port)
}

var errNoHost = errors.New("no such host")
