package web

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// Rate bounds the requests of one client: an IPv4 address, or an IPv6 /64, which
// is what one customer has. The zero Rate doesn't bound anything.
type Rate struct {
	PerSecond float64
	Burst     int
}

// maxClients bounds the memory of the limiter; beyond it, the clients that were
// seen least recently start anew.
const maxClients = 100_000

// limiter counts the requests of clients.
type limiter struct {
	rate    Rate
	clients *otter.Cache[netip.Prefix, *rate.Limiter]
}

// newLimiter is nil for a Rate that doesn't bound anything.
func newLimiter(r Rate) *limiter {
	if r.PerSecond <= 0 {
		return nil
	}
	return &limiter{rate: r, clients: otter.Must(&otter.Options[netip.Prefix, *rate.Limiter]{
		MaximumSize:      maxClients,
		ExpiryCalculator: otter.ExpiryAccessing[netip.Prefix, *rate.Limiter](10 * time.Minute),
	})}
}

func (l *limiter) allow(key netip.Prefix, now time.Time) bool {
	bucket, found := l.clients.GetIfPresent(key)
	if !found {
		bucket, _ = l.clients.SetIfAbsent(key, rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst))
	}
	return bucket.AllowN(now, 1)
}

func clientPrefix(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := 32
	if client.Is6() {
		bits = 64
	}
	prefix, _ := client.Prefix(bits) // the zero Prefix for an unparsable address: one bucket for all of them
	return prefix
}

// clientOf is who asks. Where there are no trusted proxies, the connection knows.
func (a *App) clientOf(r *http.Request) netip.Prefix {
	if p := connectionIn(r.Context()); p != nil && len(a.TrustedProxies) == 0 {
		return p.client.prefix
	}
	client, _ := a.walk(r)
	return clientPrefix(client)
}

// Limit refuses a client that asks too often.
func (a *App) Limit(next echo.HandlerFunc) echo.HandlerFunc {
	if a.limiter == nil {
		return next
	}
	return func(c echo.Context) error {
		if !a.limiter.allow(a.clientOf(c.Request()), a.Now()) {
			return ErrTooMany
		}
		return next(c)
	}
}
