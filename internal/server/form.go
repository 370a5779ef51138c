package server

import (
	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// formKey is all that decides a document's shape for one domain entry; what else
// differs between two addresses goes into the form's holes.
type formKey struct {
	format    string
	addressed bool
	protocol  settings.Protocol
	pop3      settings.Retention
	rule      string // a rule may name other servers
	// patterns of the logins, "" where the literal is written
	in, out, service string
}

// fill takes the form for a domain entry and a decision, rendering it if this is
// the first request for it, and fills it in.
func (s *Server) fill(entry *directory.Entry, format string, of *settings.Settings, compile func(settings.Settings) (*settings.Form, error)) ([]byte, error) {
	key := formKey{
		format:    format,
		addressed: !of.Typed.IsZero(),
		protocol:  of.Decision.Protocol,
		pop3:      of.Decision.POP3,
		rule:      of.Decision.Rule,
		in:        of.IncomingLogin.Pattern,
		out:       of.OutgoingLogin.Pattern,
		service:   of.ServiceLogin.Pattern,
	}
	form, err := entry.Form(key, func() (*settings.Form, error) { return compile(*of) })
	if err != nil {
		return nil, err
	}
	return form.Fill(of, settings.EscapeXML), nil
}
