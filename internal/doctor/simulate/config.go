package simulate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"autoconfig/clients/reading"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// traits are how a program reads an autoconfig document.
type traits struct {
	// reader does all of it, where there is one.
	reader    func(reading.Document, reading.Person) (*reading.Account, error)
	protocols []settings.Protocol
	// firstOnly: a first incoming server of another type ends it.
	firstOnly bool
	// only: placeholders are replaced only where they are the whole name.
	only bool
	// anyAuth: authentication is ignored.
	anyAuth bool
	// known are the mechanisms that it takes, by their names in the document.
	known map[string]string
}

var passwords = map[string]string{
	"password-cleartext": "password", "plain": "password",
	"password-encrypted": "encrypted password", "secure": "encrypted password",
	"GSSAPI": "GSSAPI", "NTLM": "NTLM", "none": "none", "client-IP-address": "none", "smtp-after-pop": "none",
}

// read makes an account of a document.
func (sim *simulation) read(c *thunderbird.Config, r traits) (*Setup, error) {
	if r.firstOnly && len(c.Incoming) > 0 {
		c.Incoming = c.Incoming[:1]
	}
	s := &Setup{}
	for _, protocol := range r.protocols {
		in := sim.pick(c.Incoming, string(protocol), r)
		// The first in the document's order, whatever its type.
		if in == nil || s.Protocol != "" && !before(c.Incoming, string(protocol), string(s.Protocol), r) {
			continue
		}
		s.Protocol, s.Incoming = protocol, sim.endpoint(*in, r)
		s.Leave, s.Days = in.Leave, in.Days
	}
	out := sim.pick(c.Outgoing, "smtp", r)
	switch {
	case s.Protocol == "":
		return nil, fmt.Errorf("no incoming server that it takes (%s)", strings.Join(types(c.Incoming), ", "))
	case out == nil:
		return nil, fmt.Errorf("no outgoing server that it takes")
	}
	s.Outgoing = sim.endpoint(*out, r)
	if s.Protocol != settings.POP3 {
		s.Leave, s.Days = "", ""
	}
	return s, nil
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

func types(list []thunderbird.Server) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = s.Type
	}
	return all
}

// before tells whether the first usable server of one type stands before that of
// another.
func before(list []thunderbird.Server, a, b string, r traits) bool {
	for _, s := range list {
		if usable(s, r) == nil {
			switch s.Type {
			case a:
				return true
			case b:
				return false
			}
		}
	}
	return false
}

// pick takes the first usable server of a type.
func (sim *simulation) pick(list []thunderbird.Server, kind string, r traits) *thunderbird.Server {
	for i, s := range list {
		if s.Type == kind && usable(s, r) == nil {
			return &list[i]
		}
	}
	return nil
}

func usable(s thunderbird.Server, r traits) error {
	port, err := strconv.Atoi(s.Port)
	switch {
	case !hostForm.MatchString(s.Hostname):
		return fmt.Errorf("%q is not a host name", s.Hostname)
	case err != nil || port < 1 || port > 65535:
		return fmt.Errorf("%q is not a port", s.Port)
	case socket(s) == "":
		return fmt.Errorf("no socketType that it knows (%s)", strings.Join(s.SocketTypes, ", "))
	case !r.anyAuth && mechanism(s, r) == "":
		return fmt.Errorf("no authentication that it knows (%s)", strings.Join(s.Authentication, ", "))
	}
	return nil
}

func socket(s thunderbird.Server) settings.Security {
	for _, kind := range s.SocketTypes {
		switch kind {
		case "SSL":
			return settings.TLS
		case "STARTTLS":
			return settings.STARTTLS
		case "plain":
			return settings.None
		}
	}
	return ""
}

func mechanism(s thunderbird.Server, r traits) string {
	for _, a := range s.Authentication {
		if name, ok := r.known[a]; ok && (name != "none" || s.Type == "smtp") {
			return name
		}
	}
	return ""
}

func (sim *simulation) endpoint(s thunderbird.Server, r traits) Endpoint {
	e := Endpoint{Host: strings.ToLower(s.Hostname), Port: s.Port, Security: socket(s), Auth: mechanism(s, r), Username: sim.filled(s.Username, r)}
	if r.anyAuth {
		e.Auth = ""
	}
	return e
}

func (sim *simulation) filled(user string, r traits) string {
	whole := map[string]string{"%EMAILADDRESS%": sim.address.String(), "%EMAILLOCALPART%": sim.address.Local(), "%EMAILDOMAIN%": sim.address.Domain()}
	if r.only {
		if text, ok := whole[user]; ok {
			return text
		}
		return user
	}
	for placeholder, text := range whole {
		user = strings.ReplaceAll(user, placeholder, text)
	}
	return user
}
