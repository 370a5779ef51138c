package mobileconfig

import (
	"cmp"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"howett.net/plist"

	"autoconfig/settings"
)

// MediaType is what makes Safari offer to install the profile.
const MediaType = "application/x-apple-aspen-config"

// Path is where people get their profile: any would do, for no device asks by itself.
const Path = "/email.mobileconfig"

// What a profile can't say.
var (
	ErrPlaintext = errors.New("a profile would promise TLS that a server doesn't have")
	ErrAuth      = errors.New("a profile can't name any of the server's mechanisms")
	ErrNoAddress = errors.New("a profile needs an address")
)

type dict = map[string]any

// Render writes the profile for s, unsigned. Errors are [ErrPlaintext],
// [ErrAuth] and [ErrNoAddress].
func Render(s settings.Settings) ([]byte, error) {
	if s.Typed.IsZero() {
		return nil, ErrNoAddress
	}
	template, err := Compile(s)
	if err != nil {
		return nil, err
	}
	return Append(nil, template, &s), nil
}

// Expressible tells whether there is a profile for s, with the errors of [Render].
func Expressible(s *settings.Settings) error {
	if s.Typed.IsZero() {
		return ErrNoAddress
	}
	if _, err := authentication(s.Incoming); err != nil {
		return err
	}
	_, err := authentication(s.Outgoing)
	return err
}

// Compile renders the profile once for all addresses with the same offer, decision and
// [Variant]. [Append] fills it.
func Compile(s settings.Settings) (*settings.Template, error) {
	if err := Expressible(&s); err != nil {
		return nil, err
	}
	named := s.DisplayName != ""
	s = s.WithSlots()
	s.Description = settings.Slot(slotDescription)
	if named {
		s.DisplayName = settings.Slot(slotPerson)
	}
	payloads := append([]any{mailPayload(s)}, davPayloads(s)...)
	profile := payload(labelProfile, "Configuration", s.Provider.Name+" ("+s.Typed.String()+")")
	profile["PayloadIdentifier"] = settings.Slot(slotIdentifier)
	profile["PayloadDescription"] = s.Description
	profile["PayloadOrganization"] = s.Provider.Name
	profile["PayloadContent"] = payloads
	if !s.Profile.Expires.IsZero() {
		profile["PayloadExpirationDate"] = s.Profile.Expires.UTC()
	}
	if len(s.Profile.Consent) > 0 {
		profile["ConsentText"] = maps.Clone(s.Profile.Consent)
	}
	// plist sorts keys: the same settings give the same bytes.
	text, err := plist.MarshalIndent(profile, plist.XMLFormat, "\t")
	if err != nil {
		return nil, err
	}
	return settings.NewTemplate(append(text, '\n'))
}

// Variant tells apart the templates of one offer and decision: a person's name has an
// element of its own.
func Variant(s *settings.Settings) string {
	if s.DisplayName != "" {
		return "mobileconfig with a name"
	}
	return "mobileconfig"
}

// The profile's own slots. The UUIDs come last, by the labels of their payloads.
const (
	slotIdentifier = iota
	slotDescription
	slotPerson
	firstUUID
)

// The labels of payloads, from which their identifiers and UUIDs are made.
const (
	labelProfile = "profile"
	labelMail    = "mail"
	labelCalDAV  = "caldav"
	labelCardDAV = "carddav"
)

var labels = [...]string{labelProfile, labelMail, labelCalDAV, labelCardDAV}

// Append appends the profile for s to dst.
func Append(dst []byte, template *settings.Template, s *settings.Settings) []byte {
	var own [firstUUID + len(labels)]string
	own[slotIdentifier] = identifier(s)
	own[slotDescription] = cmp.Or(s.Description, "Sets up mail for "+s.Typed.String()+".")
	own[slotPerson] = s.DisplayName
	for i, label := range labels {
		if label == labelCalDAV && s.Services.CalDAV == "" || label == labelCardDAV && s.Services.CardDAV == "" {
			continue
		}
		own[firstUUID+i] = uuid(s, label)
	}
	return template.Append(dst, s, escape, own[:]...)
}

// escape appends text as plist does, which is encoding/xml's way.
func escape(dst []byte, text string) []byte { return entities.Append(dst, text) }

var entities = settings.Entities{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '\'': "&#39;", '"': "&#34;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;",
}

func mailPayload(s settings.Settings) dict {
	incoming, _ := authentication(s.Incoming) // it is expressible
	outgoing, _ := authentication(s.Outgoing)
	p := payload(labelMail, "com.apple.mail.managed", s.Provider.Name)
	p["EmailAccountType"] = accountTypes[s.Decision.Protocol]
	p["EmailAddress"] = s.Typed.String()
	p["EmailAccountDescription"] = s.Typed.String()
	if s.DisplayName != "" {
		p["EmailAccountName"] = s.DisplayName
	}
	direction(p, "Incoming", s.Incoming, incoming, s.IncomingLogin)
	direction(p, "Outgoing", s.Outgoing, outgoing, s.OutgoingLogin)
	if incoming != authNone && outgoing != authNone {
		p["OutgoingPasswordSameAsIncomingPassword"] = true // one question
	}
	return p
}

var accountTypes = map[settings.Protocol]string{settings.IMAP: "EmailTypeIMAP", settings.POP3: "EmailTypePOP"}

func direction(p dict, side string, server settings.Server, auth string, login settings.Login) {
	prefix := side + "MailServer"
	p[prefix+"HostName"] = server.Host
	p[prefix+"PortNumber"] = server.Port // without it, the device tries 25, 587 and 465
	p[prefix+"UseSSL"] = true            // the default is false; also with STARTTLS, which it can't say
	p[prefix+"Authentication"] = auth
	if auth != authNone {
		p[prefix+"Username"] = login.Literal
	}
}

const authNone = "EmailAuthNone"

var mechanisms = map[settings.Auth]string{
	settings.AuthPlain: "EmailAuthPassword", settings.AuthLogin: "EmailAuthPassword",
	settings.AuthCramMD5: "EmailAuthCRAMMD5", settings.AuthDigestMD5: "EmailAuthHTTPMD5",
	settings.AuthNTLM: "EmailAuthNTLM",
	settings.AuthNone: authNone, settings.AuthClientIP: authNone,
	// A server with SCRAM takes PLAIN over TLS as well.
	settings.AuthScramSHA1: "EmailAuthPassword", settings.AuthScramSHA256: "EmailAuthPassword",
}

// authentication is the first of the server's mechanisms that a profile can name.
func authentication(s settings.Server) (string, error) {
	if s.Security == settings.None {
		return "", ErrPlaintext
	}
	for _, a := range s.Auth {
		if m, known := mechanisms[a]; known {
			return m, nil
		}
	}
	return "", ErrAuth
}

func davPayloads(s settings.Settings) []any {
	var payloads []any
	for _, service := range []struct{ prefix, label, kind, url string }{
		{"CalDAV", labelCalDAV, "com.apple.caldav.account", s.Services.CalDAV},
		{"CardDAV", labelCardDAV, "com.apple.carddav.account", s.Services.CardDAV},
	} {
		u, err := url.Parse(service.url)
		if err != nil || u.Host == "" {
			continue
		}
		p := payload(service.label, service.kind, s.Provider.Name)
		p[service.prefix+"AccountDescription"] = s.Typed.String()
		p[service.prefix+"HostName"] = u.Hostname()
		p[service.prefix+"Port"] = port(u)
		p[service.prefix+"UseSSL"] = true
		p[service.prefix+"Username"] = s.ServiceLogin.Literal
		if u.Path != "" && u.Path != "/" {
			p[service.prefix+"PrincipalURL"] = service.url
		}
		payloads = append(payloads, p)
	}
	return payloads
}

func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	return 443
}

func payload(label, kind, name string) dict {
	return dict{
		"PayloadType":        kind,
		"PayloadVersion":     1,
		"PayloadIdentifier":  settings.Slot(slotIdentifier) + "." + label,
		"PayloadUUID":        settings.Slot(firstUUID + slices.Index(labels[:], label)),
		"PayloadDisplayName": name,
	}
}

// FileName is a name for the download, from the address: letters, digits, dots,
// hyphens and underscores only, so that it can stand in a header as it is.
func FileName(s settings.Settings) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '@':
			return '.'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, s.Typed.String())
	return strings.TrimLeft(name, ".") + ".mobileconfig"
}
