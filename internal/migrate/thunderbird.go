package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Skipped is something in a published document that a site can't or won't express.
type Skipped struct{ Element, Reason string }

func (s Skipped) String() string { return s.Element + ": " + s.Reason }

// FromThunderbird converts a published config-v1.1.xml into a domain with its provider. Servers
// keep their order. What is left out is in skipped; the result isn't checked yet.
func FromThunderbird(
	c *thunderbird.Config, name string,
) (domain policy.Domain, provider settings.Provider, skipped []Skipped) {
	m := &published{config: c, domain: name}
	provider = settings.Provider{ID: name, Name: m.text("displayName", c.DisplayName, settings.MaxProviderName)}
	provider.ShortName = m.text("displayShortName", c.DisplayShortName, settings.MaxProviderShortName)
	if provider.Name == "" {
		provider.Name = name
	}
	provider.HelpURL = m.helpURL()
	domain = policy.Domain{Name: name, Offer: policy.Offer{Provider: name}}
	domain.Servers = policy.Servers{
		IMAP: m.servers(c.Incoming, settings.IMAP),
		POP3: m.servers(c.Incoming, settings.POP3),
		SMTP: m.servers(c.Outgoing, settings.SMTP),
	}
	shareUsername(&domain.Offer)
	m.otherTypes()
	domain.Policy = m.policy()
	domain.Services = m.services(domain.Username)
	m.rest()
	return domain.Normalize(), provider, m.skipped
}

type published struct {
	config  *thunderbird.Config
	domain  string
	skipped []Skipped
}

func (m *published) skip(element, reason string, args ...any) {
	m.skipped = append(m.skipped, Skipped{element, fmt.Sprintf(reason, args...)})
}

// text returns a name, or "" if it exceeds the draft's limit (section 3.2).
func (m *published) text(element, name string, most int) string {
	if utf8.RuneCountInString(name) > most {
		m.skip(element, "%q has more than %d characters", name, most)
		return ""
	}
	return name
}

func (m *published) servers(list []thunderbird.Server, p settings.Protocol) policy.ServerList {
	servers := policy.ServerList{}
	for _, s := range list {
		if s.Type != string(p) {
			continue
		}
		name := fmt.Sprintf("%s %s:%s %s", s.Type, s.Hostname, s.Port, strings.Join(s.SocketTypes, " "))
		if server, ok := m.server(s, name); ok {
			servers = append(servers, server)
		}
	}
	return servers
}

func (m *published) server(s thunderbird.Server, name string) (settings.Server, bool) {
	server := settings.Server{Host: strings.ReplaceAll(s.Hostname, domainPlaceholder, m.domain)}
	for _, socket := range s.SocketTypes {
		if security, known := securities[socket]; known {
			server.Security = security
			break // the first known one, as in Thunderbird
		}
	}
	switch server.Security {
	case "":
		m.skip(name, "its socketType is none of SSL, STARTTLS, plain")
		return server, false
	case settings.None:
		m.skip(name, "plaintext: passwords go in the clear; if it has no TLS, add it with security: none and "+
			"allow_plaintext: true")
		return server, false
	}
	port, err := strconv.Atoi(s.Port)
	if err != nil {
		m.skip(name, "its port is not a number")
		return server, false
	}
	server.Port = port
	for _, method := range s.Authentication {
		auth, known := auths[method]
		switch {
		case !known:
			m.skip(name, "authentication %s", method)
		case !slices.Contains(server.Auth, auth):
			server.Auth = append(server.Auth, auth)
		}
	}
	if len(server.Auth) == 0 {
		m.skip(name, "none of its authentication methods is known")
		return server, false
	}
	if server.Username, err = usernamePattern(s.Username); err != nil {
		m.skip(name, "%v", err)
		return server, false
	}
	if strings.TrimSpace(s.Username) == "" && slices.ContainsFunc(server.Auth, needsLogin) {
		m.skip(name, "it has no username; it is imported with the address as login")
	}
	for _, r := range s.Restrictions {
		m.skip(name, "it is imported without its restriction %s", r)
	}
	if len(s.Unknown) > 0 {
		m.skip(name, "it is imported without %s", strings.Join(s.Unknown, ", "))
	}
	return server, true
}

// needsLogin reports whether a mechanism needs a login.
func needsLogin(a settings.Auth) bool {
	return a != settings.AuthNone && a != settings.AuthClientIP && a != settings.AuthExternal
}

var securities = map[string]settings.Security{
	"SSL": settings.TLS, "STARTTLS": settings.STARTTLS,
	"plain": settings.None,
}

// auths maps the published methods to the mechanisms that current clients use for them.
var auths = map[string]settings.Auth{
	"password-cleartext": settings.AuthPlain, "plain": settings.AuthPlain,
	"password-encrypted": settings.AuthCramMD5, "secure": settings.AuthCramMD5,
	"NTLM": settings.AuthNTLM, "GSSAPI": settings.AuthGSSAPI, "TLS-client-cert": settings.AuthExternal,
	"OAuth2": settings.AuthXOAuth2, "none": settings.AuthNone, "client-IP-address": settings.AuthClientIP,
}

func usernamePattern(published string) (settings.Username, error) {
	pattern := strings.NewReplacer("%EMAILADDRESS%", "{address}", "%EMAILLOCALPART%", "{local}", "%EMAILDOMAIN%",
		"{domain}").Replace(strings.TrimSpace(published))
	if strings.Contains(pattern, "%") {
		return "", fmt.Errorf("username %s has an unknown placeholder", published)
	}
	if pattern == string(addressPattern) {
		return "", nil // the default
	}
	return settings.Username(pattern), nil
}

func (m *published) otherTypes() {
	for _, s := range m.config.Incoming {
		if s.Type != "imap" && s.Type != "pop3" {
			m.skip(strings.TrimSpace(s.Type+" "+s.Hostname), "another protocol than IMAP and POP3")
		}
	}
	for _, s := range m.config.Outgoing {
		if s.Type != "smtp" {
			m.skip(strings.TrimSpace(s.Type+" "+s.Hostname), "another protocol than SMTP")
		}
	}
}

// policy makes the first protocol of the document the default, as Thunderbird does, and uses the
// retention of its first POP3 server.
func (m *published) policy() policy.Policy {
	var p policy.Policy
	for _, s := range m.config.Incoming {
		if p.Default == "" && (s.Type == "imap" || s.Type == "pop3") {
			p.Default = settings.Protocol(s.Type)
		}
		if s.Type == "pop3" && s.Leave != "" && p.POP3.LeaveOnServer == nil {
			leave := strings.EqualFold(s.Leave, "true")
			p.POP3.LeaveOnServer = &leave
			if days, err := strconv.Atoi(s.Days); err == nil && leave {
				p.POP3.Days = &days
			}
		}
	}
	return p
}

var placeholder = regexp.MustCompile("%[A-Z]{3,}%")

// filled inserts the domain into a URL with placeholders.
func (m *published) filled(url string) string {
	return strings.ReplaceAll(url, domainPlaceholder, m.domain)
}

func (m *published) services(login settings.Username) settings.Services {
	services := settings.Services{}
	// A service that a site can't have must not prevent the import of the servers.
	take := func(element string, with settings.Services) bool {
		if hole := placeholder.FindString(element); hole != "" {
			m.skip(element, "nobody fills in %s there", hole)
			return false
		}
		problems := with.Check("")
		if len(problems) > 0 {
			m.skip(element, "%s", problems[0].Text)
		}
		return len(problems) == 0
	}
	if url := m.filled(m.config.Webmail); url != "" && take("webMail "+url, settings.Services{Webmail: url}) {
		services.Webmail = url
	}
	if o := m.config.OAuth2; o != nil {
		found := &settings.OAuth2{
			Issuer: o.Issuer, AuthURL: o.AuthURL, TokenURL: o.TokenURL,
			Scope: strings.Join(strings.Fields(o.Scope), " "), ClientID: o.ClientID,
		}
		if take("oAuth2 "+o.Issuer, settings.Services{OAuth2: found}) {
			services.OAuth2 = found
		}
	}
	for _, s := range m.config.Services {
		s.URL = m.filled(s.URL)
		element := s.Element + " " + s.Type + " " + s.URL
		to, known := map[string]*string{
			"caldav": &services.CalDAV, "carddav": &services.CardDAV,
			"webdav": &services.WebDAV,
		}[s.Type]
		switch {
		case !known:
			m.skip(strings.TrimSpace(element), "no such service in a site")
		case *to != "":
			m.skip(element, "there is one already, and programs take one")
		case take(element, settings.Services{WebDAV: s.URL}):
			*to = s.URL
			if pattern, err := usernamePattern(s.Username); s.Username != "" && (err != nil || pattern != login) {
				m.skip(element, "its username %s is left out: the login is that of the mail servers", s.Username)
			}
		}
	}
	return services
}
