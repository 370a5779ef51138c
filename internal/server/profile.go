package server

import (
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/mobileconfig"
	"autoconfig/settings"
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
	return s.sendProfile(c, a.settings, s.pages.Language(a.settings.Provider.Language))
}

// sendProfile describes the profile in a language, signs it if there is a key, and
// sends it.
func (s *Server) sendProfile(c echo.Context, of settings.Settings, language string) error {
	of.Description = s.pages.Text(settings.Message{Key: "profile.description", Args: map[string]string{
		"address": of.Typed.String(), "protocol": strings.ToUpper(string(of.Decision.Protocol)),
	}}, language)
	body, err := mobileconfig.Render(of)
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
	s.metrics.answered("mobileconfig", of.Decision.Protocol)
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+mobileconfig.FileName(of)+`"`)
	return send(c, mobileconfig.MediaType, of, body)
}
