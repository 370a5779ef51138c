package server

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/settings"
)

// originalPath is where foldPath leaves the path as the client wrote it, if it has
// changed it.
const originalPath = "original path"

// foldPath lets paths be found in any letter case and with doubled slashes:
// Outlook writes /Autodiscover/Autodiscover.xml and more.
func foldPath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if folded := fold(u.Path); folded != u.Path {
			c.Set(originalPath, u.Path)
			u.Path = folded
		}
		u.RawPath = ""
		return next(c)
	}
}

func fold(path string) string {
	path = strings.ToLower(path)
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// publicHeaders are on every public answer.
func publicHeaders(next echo.HandlerFunc) echo.HandlerFunc {
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

// privateHeaders are on every answer of the private and the staff listener: no other
// site's page may read or embed it, and nothing keeps it. Pages and assets say more.
func privateHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		maps.Copy(h, always)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}

func addressQuery(typed settings.Address, digest string) string {
	query := "?emailaddress=" + url.QueryEscape(typed.String())
	if isDigest(typed, digest) {
		query += "&emailmd5=" + url.QueryEscape(digest)
	}
	return query
}

func (s *Server) fromTrustedProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && s.trusts(peer.Addr())
}

func (s *Server) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Unmap()) })
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	prefix = prefix.Masked()
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
