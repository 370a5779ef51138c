package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/settings"
)

// wellKnown redirects to the service of the Host's domain (RFC 6764, section 5;
// RFC 8620, section 2.2), for every method: calendar clients begin with PROPFIND.
func (s *Public) wellKnown(service string) echo.HandlerFunc {
	url := map[string]func(settings.Services) string{
		"caldav":  func(s settings.Services) string { return s.CalDAV },
		"carddav": func(s settings.Services) string { return s.CardDAV },
		"jmap":    func(s settings.Services) string { return s.JMAP },
	}[service]
	return func(c echo.Context) error {
		a, err := s.ForHost(c.Request().Context(), c.Request().Host)
		if err != nil {
			return err
		}
		target := url(a.Settings.Services)
		if target == "" {
			return errNoService
		}
		// RFC 6764 names 301, 303 and 307; a cache may keep it for an hour only, so
		// that a service can move.
		c.Response().Header().Set("Cache-Control", "max-age=3600")
		return c.Redirect(http.StatusMovedPermanently, target)
	}
}
