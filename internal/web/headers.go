package web

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// PublicHeaders are on every public answer.
func PublicHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		maps.Copy(c.Response().Header(), always) // the values are shared: they are replaced, never changed
		return next(c)
	}
}

var always = http.Header{
	"X-Content-Type-Options":  {"nosniff"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"no-referrer"},
	"X-Robots-Tag":            {"noindex"},
}

// Blob sends an answer that is there as a whole.
func Blob(c echo.Context, status int, mediaType string, body []byte) error {
	SayLength(c, body)
	return c.Blob(status, mediaType, body)
}

// SayLength says the length of an answer that is there as a whole, where net/http doesn't know it when it
// sends the header: of more than 2048 bytes by HTTP/1.1, of any answer by HTTP/2, and of one to HEAD.
func SayLength(c echo.Context, body []byte) {
	if r := c.Request(); len(body) > 2048 || r.ProtoMajor > 1 || r.Method == http.MethodHead {
		c.Response().Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
}

// PrivateHeaders are on every answer of the private and the staff listener: no other
// site's page may read or embed it, and nothing keeps it. Pages and assets say more.
func PrivateHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		maps.Copy(h, always)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}

// PageHeaders let a page load what is ours, and send forms to us. Nobody may put
// it into a frame, keep it, find it by searching, or learn from where a person came.
func PageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "no-store")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// StrictTransport tells browsers to come by https alone from now on (RFC 6797), on
// answers that went over TLS and under our own names: public_url's, staff_url's, or
// one that begins as special names do. At the name of a mail domain itself there may
// be its website, of which we say nothing. For the same reason it doesn't include
// subdomains.
func (a *App) StrictTransport(special ...string) echo.MiddlewareFunc {
	value := []string{"max-age=" + strconv.Itoa(int(a.HSTS/time.Second))}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			// Over plain http it must not be sent (RFC 6797, section 7.2).
			secure := c.Request().TLS != nil || a.ForwardedScheme(c) == "https"
			if secure && a.isOurName(c.Request().Host, special) {
				c.Response().Header()["Strict-Transport-Security"] = value
			}
			return next(c)
		}
	}
}

func (a *App) isOurName(host string, special []string) bool {
	name := strings.ToLower(BareName(host))
	if name == strings.ToLower(a.PublicURL.Hostname()) || name == strings.ToLower(a.StaffURL.Hostname()) {
		return true
	}
	for _, prefix := range special {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
