package web

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// OnlyHosts refuses, with err, names that aren't known, so that a page elsewhere can't
// read what a listener says by a name that it gave our address (DNS rebinding).
//
// What staff and programs use refuses by itself, in its own words ([App.SameHost]). The
// probes answer all, since a service is restarted when they are refused; /readyz then
// says no more than its state.
func OnlyHosts(known func(host string) bool, err error) echo.MiddlewareFunc {
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

// BareName is a Host without its port, brackets and final dot.
func BareName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// StaffHandler is the handler of the help desk's pages and of the API, where they have
// a listener of their own.
func (a *App) StaffHandler(rooms ...Routes) http.Handler {
	e := a.NewEcho()
	Around(e, a.Observe(slog.LevelInfo), a.StrictTransport(), PrivateHeaders, OnlyHosts(a.isStaffHost, ErrOtherHost))
	for _, add := range rooms {
		add(e)
	}
	a.Assets(e)
	return a.Staff.Handler(e, MaxStaffBody)
}

// SameHost refuses names that aren't staff_url's, so that a page elsewhere can't reach
// this listener by a name that it gave our address (DNS rebinding).
func (a *App) SameHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !a.isStaffHost(c.Request().Host) {
			return ErrOtherHost
		}
		return next(c)
	}
}

func (a *App) isStaffHost(host string) bool {
	if strings.EqualFold(host, a.StaffURL.Host) {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !isLoopback(a.StaffURL.Hostname()) {
		return false
	}
	return isLoopback(strings.Trim(host, "[]"))
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// SameOrigin refuses what another site's page sends (CSRF), by the headers that
// browsers add.
func SameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	var protection http.CrossOriginProtection
	return func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return ErrOtherOrigin
		}
		return next(c)
	}
}
