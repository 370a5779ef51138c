package web

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
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

// left are the requests that a client may send at once, and for how long it must send
// none to have all of them again.
func (l *limiter) left(key netip.Prefix, now time.Time) (requests int, full time.Duration) {
	bucket, found := l.clients.GetIfPresent(key)
	if !found {
		return l.rate.Burst, 0
	}
	tokens := max(0, bucket.TokensAt(now))
	missing := float64(l.rate.Burst) - tokens
	return int(tokens), time.Duration(missing / l.rate.PerSecond * float64(time.Second))
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

// LimitTold is [App.Limit] that tells programs how many requests they have left
// (draft-ietf-httpapi-ratelimit-headers, in the form that most programs know).
func (a *App) LimitTold(next echo.HandlerFunc) echo.HandlerFunc {
	if a.limiter == nil {
		return next
	}
	limited := a.Limit(next)
	return func(c echo.Context) error {
		header := c.Response().Header()
		c.Response().Before(func() {
			left, full := a.limiter.left(a.clientOf(c.Request()), a.Now())
			header.Set("RateLimit-Limit", strconv.Itoa(a.limiter.rate.Burst))
			header.Set("RateLimit-Remaining", strconv.Itoa(left))
			header.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(full.Seconds()))))
		})
		return limited(c)
	}
}
