package pacc

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"autoconfig/settings"
)

// What a document can't say.
var (
	ErrPort = errors.New("a PACC document has no ports: each mail server needs implicit TLS at the registered one")
	ErrAuth = errors.New("a PACC document knows passwords and OAuth 2.0 only")
)

// Render writes the document for a domain's default. The same settings give the
// same bytes, of which the digest is published. Errors are [ErrPort] and [ErrAuth].
func Render(s settings.Settings) ([]byte, error) {
	if !registered(settings.SMTP, s.Outgoing) || !registered(s.Decision.Protocol, s.Incoming) {
		return nil, ErrPort
	}
	d := Document{Protocols: protocols(s), Info: info(s.Provider)}
	d.Authentication.Password = slices.ContainsFunc(s.Incoming.Auth, isPassword)
	if o := s.Services.OAuth2; o != nil && o.Issuer != "" && slices.ContainsFunc(s.Incoming.Auth, isOAuth) {
		d.Authentication.OAuthPublic = &OAuthPublic{o.Issuer}
	}
	if !d.Authentication.Password && d.Authentication.OAuthPublic == nil {
		return nil, ErrAuth
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}

func protocols(s settings.Settings) Protocols {
	submission := &Host{s.Outgoing.Host}
	p := Protocols{
		Submit: submission, SMTP: submission, // both names: -02 readers are in use
		CalDAV: service(s.Services.CalDAV), CardDAV: service(s.Services.CardDAV), WebDAV: service(s.Services.WebDAV),
	}
	// One incoming protocol: JMAP is another view of an IMAP mailbox, and none of
	// what POP3 has taken away.
	if s.Decision.Protocol == settings.POP3 {
		p.POP3 = &Host{s.Incoming.Host}
	} else {
		p.IMAP, p.JMAP = &Host{s.Incoming.Host}, service(s.Services.JMAP)
	}
	return p
}

// service is a URL at port 443 with a path, as -03 wants them; nil for any other.
func service(text string) *URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Port() != "" && u.Port() != "443" {
		return nil
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return &URL{u.String()}
}

// info is written though readers differ on whether they need it. There is no
// contact: of what kind its entries are could not be found out.
func info(p settings.Provider) Info {
	i := Info{Provider: ProviderInfo{Name: p.Name, ShortName: p.ShortName}}
	if p.HelpURL != "" {
		i.Help = &Help{Documentation: p.HelpURL}
	}
	return i
}

func registered(p settings.Protocol, s settings.Server) bool {
	return s.Security == settings.TLS && s.Port == settings.RegisteredPort(p, settings.TLS)
}

func isPassword(a settings.Auth) bool {
	switch a {
	case settings.AuthPlain, settings.AuthLogin, settings.AuthCramMD5, settings.AuthDigestMD5,
		settings.AuthScramSHA1, settings.AuthScramSHA256:
		return true
	}
	return false
}

func isOAuth(a settings.Auth) bool {
	return a == settings.AuthOAuthBearer || a == settings.AuthXOAuth2
}
