package server

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// onlyHosts refuses, with err, names that aren't known, so that a page elsewhere can't
// read what a listener says by a name that it gave our address (DNS rebinding).
//
// What staff and programs use refuses by itself, in its own words (sameHost). The
// probes answer all, since a service is restarted when they are refused; /readyz then
// says no more than its state.
func onlyHosts(known func(host string) bool, err error) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			path := c.Path()
			other := path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/helpdesk") || strings.HasPrefix(path, "/api/v1")
			if !other && !known(c.Request().Host) {
				return err
			}
			return next(c)
		}
	}
}

// isKnownHost tells whether the private listener answers by a name. It does by every
// address: the Host of a page that was bent to us is its name. So Prometheus and
// Kubernetes, which ask by address, need no entry.
func (s *Server) isKnownHost(host string) bool {
	if host == "" { // HTTP/1.0, as some load balancers speak; no browser leaves it out
		return true
	}
	name := bareName(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	same := func(known string) bool { return strings.EqualFold(name, known) }
	return same("localhost") || same(s.StaffURL.Hostname()) || slices.ContainsFunc(s.AdminHosts, same)
}

// bareName is a Host without its port, brackets and final dot.
func bareName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}
