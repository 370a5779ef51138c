package server

import (
	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// fill takes the form for a domain's offer and a decision, rendering it if this is
// the first request for it, and fills it in. of must have been resolved for the
// format.
func (s *Server) fill(entry *directory.Entry, format string, of *settings.Settings, compile func(settings.Settings) (*settings.Form, error)) ([]byte, error) {
	form, err := entry.Form(of.Shape(format), func() (*settings.Form, error) { return compile(*of) })
	if err != nil {
		return nil, err
	}
	return form.Fill(of, settings.EscapeXML), nil
}
