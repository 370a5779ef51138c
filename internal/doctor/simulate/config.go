package simulate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// traits are how a program reads an autoconfig document.
type traits struct {
	protocols []settings.Protocol
	// last: of several servers of a type the last one counts, not the first.
	last bool
	// firstOnly: a first incoming server of another type ends it.
	firstOnly bool
	// strict: one defective server of a type that it knows makes it refuse the
	// whole document.
	strict bool
	// needsID: it refuses a provider without an id and a domain.
	needsID bool
	// mangles: values that look like numbers or truth values are changed.
	mangles bool
	// only: placeholders are replaced only where they are the whole name.
	only bool
	// anyAuth: authentication is ignored.
	anyAuth bool
	// known are the mechanisms that it takes, by their names in the document.
	known map[string]string
	// noPlain: a server without TLS is a defect.
	noPlain bool
}

var passwords = map[string]string{
	"password-cleartext": "password", "plain": "password",
	"password-encrypted": "encrypted password", "secure": "encrypted password",
	"GSSAPI": "GSSAPI", "NTLM": "NTLM", "none": "none", "client-IP-address": "none", "smtp-after-pop": "none",
}

// read makes an account of a document.
func (sim *simulation) read(c *thunderbird.Config, r traits) (*Setup, error) {
	if r.needsID && (!hostForm.MatchString(c.ID) || !slices.ContainsFunc(c.Domains, func(d thunderbird.Domain) bool { return d.Purpose == "" && hostForm.MatchString(d.Name) })) {
		return nil, fmt.Errorf("the provider has no id or no valid domain")
	}
	if r.firstOnly && len(c.Incoming) > 0 {
		c.Incoming = c.Incoming[:1]
	}
	s := &Setup{}
	for _, protocol := range r.protocols {
		in, err := sim.pick(c.Incoming, string(protocol), r)
		if err != nil {
			return nil, err
		}
		// Thunderbird takes the first in the document's order, whatever its type.
		if in == nil || s.Protocol != "" && !before(c.Incoming, string(protocol), string(s.Protocol), r) {
			continue
		}
		s.Protocol, s.Incoming = protocol, sim.endpoint(*in, r)
		s.Leave, s.Days = in.Leave, in.Days
	}
	out, err := sim.pick(c.Outgoing, "smtp", r)
	switch {
	case err != nil:
		return nil, err
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

// pick takes the first usable server of a type, or the last.
func (sim *simulation) pick(list []thunderbird.Server, kind string, r traits) (*thunderbird.Server, error) {
	var found *thunderbird.Server
	for i, s := range list {
		if s.Type != kind {
			continue
		}
		if err := usable(s, r); err != nil {
			if r.strict {
				return nil, fmt.Errorf("it refuses the whole document: %s %s: %w", kind, s.Hostname, err)
			}
			continue
		}
		if found = &list[i]; !r.last {
			break
		}
	}
	return found, nil
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
	case r.noPlain && socket(s) == settings.None:
		return fmt.Errorf("it takes no plaintext")
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
	user := s.Username
	if r.mangles {
		user = mangled(user)
	}
	e := Endpoint{Host: strings.ToLower(s.Hostname), Port: s.Port, Security: socket(s), Auth: mechanism(s, r), Username: sim.filled(user, r)}
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

// mangled is what Thunderbird's XML reader makes of a value (JXON: numbers and
// truth values become such).
func mangled(text string) string {
	if !thunderbird.Mangles(text) {
		return text
	}
	trimmed := strings.TrimSpace(text)
	switch lower := strings.ToLower(trimmed); {
	case trimmed == "":
		return "true"
	case lower == "true" || lower == "false":
		return lower
	}
	if n, err := strconv.ParseFloat(trimmed, 64); err == nil {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return text
}
