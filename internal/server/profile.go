package server

import (
	"github.com/labstack/echo/v4"

	"autoconfig/mobileconfig"
)

// profile answers with an Apple configuration profile for an address, signed if
// there is a key. Nothing in the request but the address changes it.
func (s *Server) profile(c echo.Context) error {
	typed, given, err := typedAddress(c.Request().URL.RawQuery, "emailaddress", "email")
	switch {
	case err != nil:
		return err
	case !given:
		return errNoAddress
	}
	a, err := s.forAddress(c.Request().Context(), typed)
	if err != nil {
		return err
	}
	body, err := mobileconfig.Render(a.settings)
	if err != nil {
		return err
	}
	if s.Signer != nil {
		if identity := s.Signer(); identity != nil {
			if body, err = identity.Sign(body); err != nil {
				return err
			}
		}
	}
	s.metrics.answered("mobileconfig", a.settings.Decision.Protocol)
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+mobileconfig.FileName(a.settings)+`"`)
	return send(c, mobileconfig.MediaType, a.settings, body)
}
