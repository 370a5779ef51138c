package helpdesk

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/web"

	"github.com/coreos/go-oidc/v3/oidc"
)

// identity asks the provider for its keys and addresses when they are first
// needed, so that the service starts without it.
type identity struct {
	OIDC
	now    func() time.Time
	logger *slog.Logger

	mu   sync.Mutex // never held while the provider is asked
	last *discovery
}

// discovery is one that is going on, for all who wait for it, or over.
type discovery struct {
	done     chan struct{}
	provider *oidc.Provider
	err      error
	endedAt  time.Time
}

// holds tells whether a discovery needn't be begun again.
func (d *discovery) holds(now time.Time) bool {
	select {
	case <-d.done:
		ago := now.Sub(d.endedAt)
		return d.err == nil || ago >= 0 && ago < discoverAgain
	default:
		return true
	}
}

// Bounds of the requests to the provider: how long each takes, how much it answers,
// and how long one that failed is not tried again.
const (
	oidcTimeout   = 5 * time.Second
	oidcBytes     = 1 << 20
	discoverAgain = 5 * time.Second
)

// context is one in which requests to the provider have their bounds.
func (i *identity) context(ctx context.Context) context.Context {
	client := *cmp.Or(i.Client, &http.Client{Timeout: oidcTimeout})
	client.Transport = short{client.Transport}
	return oidc.ClientContext(ctx, &client)
}

// discover gives the provider, or an directory.ErrUnavailable. However many wait, one asks;
// nobody waits longer than one request to the provider takes, or than its own.
func (i *identity) discover(ctx context.Context) (*oidc.Provider, error) {
	d, begun := i.join()
	if begun {
		i.run(ctx, d)
	}
	select {
	case <-d.done:
		return d.provider, d.err
	case <-ctx.Done():
		return nil, directory.Unavailable(ctx.Err())
	}
}

// join gives the last discovery, or begins one, which the caller must run.
func (i *identity) join() (d *discovery, begun bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.last != nil && i.last.holds(i.now()) {
		return i.last, false
	}
	i.last = &discovery{done: make(chan struct{}), err: directory.ErrUnavailable} // if it panics
	return i.last, true
}

// run asks for all who wait: it doesn't end when the one who began goes away.
func (i *identity) run(ctx context.Context, d *discovery) {
	defer func() {
		d.endedAt = i.now()
		close(d.done)
	}()
	ctx, cancel := context.WithTimeout(i.context(context.WithoutCancel(ctx)), oidcTimeout)
	defer cancel()
	d.provider, d.err = oidc.NewProvider(ctx, i.Issuer)
	if d.err != nil {
		d.err = fmt.Errorf("%w: the identity provider: %w", directory.ErrUnavailable, d.err)
		i.logger.Warn("the identity provider doesn't say where it is reached", "issuer", i.Issuer, "error",
			web.FirstBytes(d.err.Error(), 300))
	}
}

// short bounds what is read of an answer.
type short struct{ http.RoundTripper }

func (s short) RoundTrip(r *http.Request) (*http.Response, error) {
	through := s.RoundTripper
	if through == nil {
		through = http.DefaultTransport
	}
	answer, err := through.RoundTrip(r)
	if err == nil {
		answer.Body = boundedBody{io.LimitReader(answer.Body, oidcBytes), answer.Body}
	}
	return answer, err
}

type boundedBody struct {
	io.Reader
	io.Closer
}

// AskProvider tells whether the identity provider can be asked now, and is the one
// that is configured; nil also where there is none. It neither waits for nor
// disturbs anybody who signs in.
func (s *Desk) AskProvider(ctx context.Context) error {
	if s.oidc == nil {
		return nil
	}
	_, err := oidc.NewProvider(s.oidc.context(ctx), s.oidc.Issuer)
	return err
}
