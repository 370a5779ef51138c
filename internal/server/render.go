package server

import (
	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// renderCached fills the template for a domain's offer and a decision, which the first
// request for it compiles. of must have been resolved for the format.
func (s *Server) renderCached(entry *directory.Entry, format string, of *settings.Settings, compile func(settings.Settings) (*settings.Template, error)) ([]byte, error) {
	key := of.TemplateKey(format)
	template, found := entry.Template(key)
	if !found {
		var err error
		if template, err = compile(*of); err != nil {
			return nil, err
		}
		entry.KeepTemplate(key, template)
	}
	return template.Fill(of, settings.EscapeXML), nil
}
