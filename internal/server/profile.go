package server

import (
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/lookup"
	"autoconfig/internal/trace"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
)

// profile answers with an Apple configuration profile for an address, signed if
// there is a key. Nothing in the request but the address changes it.
func (s *Public) profile(c echo.Context) error {
	n := noted{format: formatProfile, outcome: trace.Refused}
	defer s.note(c, &n)
	typed, given, err := addressIn(c.Request().URL.RawQuery)
	switch {
	case err != nil:
		return err
	case !given:
		return errNoAddress
	}
	a, err := s.ForAddress(c.Request().Context(), typed.Address)
	if err == nil {
		err = s.sendProfile(c, &a, s.Pages.Language(a.Settings.Provider.Language))
	}
	n.typed = typed.Address
	n.become(&a, err)
	return err
}

// sendProfile describes the profile in a language, signs it if there is a key, and
// sends it.
func (s *Public) sendProfile(c echo.Context, a *lookup.Answer, language string) error {
	of := &a.Settings
	template, err := a.Template(mobileconfig.Variant(of), of, mobileconfig.Compile)
	if err != nil {
		return err
	}
	of.Description = s.described.of(of, language)
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	*buffer = mobileconfig.Append((*buffer)[:0], template, of)
	body := *buffer
	if identity := s.identity(); identity != nil {
		if body, err = identity.Sign(body); err != nil {
			return err
		}
	}
	s.answered(formatProfile, of.Decision.Protocol)
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+mobileconfig.FileName(*of)+`"`)
	return send(c, profileTypes, of, body)
}

// identity is what signs profiles, nil for nothing.
func (s *Public) identity() *mobileconfig.Identity {
	if s.signer == nil {
		return nil
	}
	return s.signer()
}

// descriptions are what profiles say of themselves, by language and protocol: to look a
// text up in the catalogue takes longer than all the rest of a profile.
type descriptions struct {
	text func(m settings.Message, languages ...string) string
	mu   sync.RWMutex
	kept map[description]string
}

type description struct {
	language string // of our own catalogues
	protocol settings.Protocol
}

// typedHere stands for the address in a kept description: no address has it.
const typedHere = "\uE000"

func (d *descriptions) of(s *settings.Settings, language string) string {
	key := description{language, s.Decision.Protocol}
	d.mu.RLock()
	text, found := d.kept[key]
	d.mu.RUnlock()
	if !found {
		text = d.text(settings.Message{Key: "profile.description", Args: map[string]string{
			"address": typedHere, "protocol": strings.ToUpper(string(key.protocol)),
		}}, language)
		d.mu.Lock()
		d.kept[key] = text
		d.mu.Unlock()
	}
	return strings.ReplaceAll(text, typedHere, s.Typed.String())
}
