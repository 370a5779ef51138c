package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/settings"
)

// wellKnown redirects to the service of the Host's domain (RFC 6764, section 5;
// RFC 8620, section 2.2), for every method: calendar clients begin with PROPFIND.
func (s *Server) wellKnown(service string) echo.HandlerFunc {
	url := map[string]func(settings.Services) string{
		"caldav":  func(s settings.Services) string { return s.CalDAV },
		"carddav": func(s settings.Services) string { return s.CardDAV },
		"jmap":    func(s settings.Services) string { return s.JMAP },
	}[service]
	return func(c echo.Context) error {
		a, err := s.forHost(c.Request().Context(), c.Request().Host)
		if err != nil {
			return err
		}
		target := url(a.settings.Services)
		if target == "" {
			return errNoService
		}
		// RFC 6764 names 301, 303 and 307; a cache may keep it for an hour only, so
		// that a service can move.
		c.Response().Header().Set("Cache-Control", "max-age=3600")
		return c.Redirect(http.StatusMovedPermanently, target)
	}
}

// redirectPlain sends a request that is known to have come over plain http to
// https on the same served name. Where the scheme isn't known (a proxy that
// isn't configured as trusted may have ended TLS), the request is answered.
func (s *Server) redirectPlain(knownPlain bool, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !knownPlain && !s.proxySaysPlain(c) {
			return next(c)
		}
		host := s.PublicURL.Host
		if a, err := s.forHost(c.Request().Context(), c.Request().Host); err == nil {
			host = a.host
		} else if s.PublicURL.Scheme != "https" {
			return next(c)
		}
		target := "https://" + host + c.Request().URL.Path
		if typed, given, err := typedAddress(c.Request().URL.RawQuery, "emailaddress", "email"); err != nil {
			return err
		} else if given {
			target += addressQuery(typed, parameter(c.Request().URL.RawQuery, "emailmd5"))
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusFound, target) // what Outlook expects (reference B.1)
	}
}

// proxySaysPlain tells whether a trusted proxy says that the client came over
// plain http.
func (s *Server) proxySaysPlain(c echo.Context) bool {
	return c.Request().TLS == nil && s.fromTrustedProxy(c.Request()) && c.Scheme() == "http" &&
		c.Request().Header.Get(echo.HeaderXForwardedProto) != ""
}
