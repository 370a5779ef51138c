package reading

import (
	"math"
	"strings"
	"unicode/utf16"

	"autoconfig/settings"
)

// account fills in the placeholders and returns what Thunderbird stores.
func (c *config) account(person Person) (*Account, error) {
	v := variables(person)
	a := &Account{Name: v.replace(c.name), Outgoing: v.server(c.outgoing.Server)}
	for i, in := range c.incoming {
		s := v.server(in.Server)
		if i > 0 {
			a.Others = append(a.Others, s)
			continue
		}
		a.Incoming = s
		if s.Type == "pop3" {
			retention := in.retention
			a.Retention = &retention
		}
	}
	if a.Outgoing.Auth == "none" || !c.outgoing.named {
		a.Outgoing.Username = ""
	}
	if err := a.store(); err != nil {
		return nil, err
	}
	return a, nil
}

// store does what nsMsgIncomingServer does with a new account.
func (a *Account) store() error {
	in := &a.Incoming
	ports, ok := incomingPorts[in.Type]
	if !ok {
		a.Outgoing = Server{} // it sends by what it receives with, or needs an add-on
		return nil
	}
	// It puts the host in a URL, in which an IPv6 address would need brackets.
	if strings.ContainsAny(in.Host, ":%@") || !isURLHost(in.Host) {
		return refuse("no account can be made with the host %q", in.Host)
	}
	if strings.Contains(a.Outgoing.Host, "%") || !isURLHost(a.Outgoing.Host) {
		return refuse("no account can be made with the host %q", a.Outgoing.Host)
	}
	a.Outgoing.Username = lowBytes(a.Outgoing.Username)
	// IMAP's plain port counts as no port, regardless of the security.
	if in.Port == 0 || in.Port == -1 || in.Type == "imap" && in.Port == ports.plain {
		in.Port = ports.plain
		if in.Security == settings.TLS {
			in.Port = ports.tls
		}
	}
	return nil
}

// lowBytes returns what Thunderbird stores of an outgoing username, which SmtpServer.sys.mjs
// keeps as a char preference: the low byte of each UTF-16 unit, up to the first 0.
func lowBytes(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit&0xFF == 0 {
			break
		}
		out.WriteRune(rune(unit & 0xFF))
	}
	return out.String()
}

var incomingPorts = map[string]struct{ plain, tls int }{"imap": {143, 993}, "pop3": {110, 995}}

// isURLHost reports whether a URL may have the host: one whose last label is a number is
// an IPv4 address, in any of its spellings (WHATWG URL, section 3.5).
func isURLHost(host string) bool {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := parts[len(parts)-1]
	if last == "" || strings.Trim(last, "0123456789") != "" {
		return true
	}
	for i, p := range parts {
		limit := 256.0
		if i == len(parts)-1 {
			limit = math.Pow(256, float64(5-len(parts)))
		}
		base := 10
		if len(p) > 1 && p[0] == '0' {
			base = 8
		}
		if n := digitsOf(p, base); p == "" || math.IsNaN(n) || n >= limit {
			return false
		}
	}
	return len(parts) <= 4
}

// placeholder is a placeholder and its value.
type placeholder [2]string

type placeholders []placeholder

func variables(person Person) placeholders {
	local, domain, _ := strings.Cut(person.Email, "@")
	return placeholders{
		{"%EMAILADDRESS%", person.Email},
		{"%EMAILLOCALPART%", local},
		{"%EMAILDOMAIN%", strings.ToLower(domain)},
		{"%REALNAME%", person.RealName},
	}
}

func (p placeholders) server(s Server) Server {
	s.Username, s.Host = p.replace(s.Username), p.replace(s.Host)
	return s
}

// replace fills them in turn, so that a value may contain a later placeholder.
func (p placeholders) replace(s string) string {
	for _, each := range p {
		s = replaceAll(s, each[0], each[1])
	}
	return s
}

// replaceAll works like JavaScript's, in which a $ in the new text may have a meaning.
func replaceAll(s, old, text string) string {
	var out strings.Builder
	done := 0
	for {
		at := strings.Index(s[done:], old)
		if at < 0 {
			out.WriteString(s[done:])
			return out.String()
		}
		at += done
		out.WriteString(s[done:at])
		done = at + len(old)
		out.WriteString(strings.NewReplacer("$$", "$", "$&", old, "$`", s[:at], "$'", s[done:]).Replace(text))
	}
}
