package server

import (
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/mobileconfig"
	"autoconfig/settings"
)

// profile answers with an Apple configuration profile for an address, signed if
// there is a key. Nothing in the request but the address changes it.
func (s *Public) profile(c echo.Context) error {
	typed, given, err := addressIn(c.Request().URL.RawQuery)
	switch {
	case err != nil:
		return err
	case !given:
		return errNoAddress
	}
	a, err := s.ForAddress(c.Request().Context(), typed.Address)
	if err != nil {
		return err
	}
	return s.sendProfile(c, a.Settings, s.Pages.Language(a.Settings.Provider.Language))
}

// sendProfile describes the profile in a language, signs it if there is a key, and
// sends it.
func (s *Public) sendProfile(c echo.Context, of settings.Settings, language string) error {
	of.Description = s.Pages.Text(settings.Message{Key: "profile.description", Args: map[string]string{
		"address": of.Typed.String(), "protocol": strings.ToUpper(string(of.Decision.Protocol)),
	}}, language)
	body, err := mobileconfig.Render(of)
	if err != nil {
		return err
	}
	if s.signer != nil {
		if identity := s.signer(); identity != nil {
			if body, err = identity.Sign(body); err != nil {
				return err
			}
		}
	}
	s.answered(formatProfile, of.Decision.Protocol)
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+mobileconfig.FileName(of)+`"`)
	return send(c, profileTypes, &of, body)
}
