package autodiscover

import (
	"errors"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"autoconfig/settings"
)

// What the format can't say.
var (
	ErrPlaintext = errors.New("a server without TLS can't be offered safely by Autodiscover")
	ErrAuth      = errors.New("none of the server's mechanisms can be named in Autodiscover")
	// ErrNoLogin: without an address there is no login to write, and what clients
	// make of a missing one (the address) isn't this domain's.
	ErrNoLogin = errors.New("a default whose login isn't the address can't be said in Autodiscover")
)

// The namespaces are literally http, and defaults: FairEmail and Delta Chat match
// names without a prefix.
const (
	responseNamespace = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	outlookNamespace  = OutlookSchema
)

// Render writes the reply for s: one account with the decided incoming server and
// the outgoing one. Errors are [ErrPlaintext], [ErrAuth] and [ErrNoLogin].
func Render(s settings.Settings) ([]byte, error) {
	resolved, err := Resolve(s)
	if err != nil {
		return nil, err
	}
	template, err := Compile(resolved)
	if err != nil {
		return nil, err
	}
	return template.Fill(&resolved, settings.EscapeXML), nil
}

// Resolve makes of s what is written: s itself, unless the reply can't say it.
// Errors are those of [Render].
func Resolve(s settings.Settings) (settings.Settings, error) { return s, expressible(s) }

// Compile renders the reply once for all domains and addresses with the same
// offer and the same [settings.TemplateKey]. s must have come through [Resolve], and so
// must all that the template is filled with.
func Compile(s settings.Settings) (*settings.Template, error) {
	addressed := !s.Typed.IsZero()
	s = s.WithSlots()
	doc, response := newResponse(outlookNamespace)
	if addressed {
		// Never the person's name: anybody may ask.
		element(response.CreateElement("User"), "DisplayName", s.Typed.String())
	}
	account := response.CreateElement("Account")
	element(account, "AccountType", "email")
	element(account, "Action", "settings")

	incoming := protocol(account, protocolTypes[s.Decision.Protocol], s.Incoming, s.IncomingLogin, addressed)
	element(incoming, "AuthRequired", "on")
	outgoing := protocol(account, protocolTypes[settings.SMTP], s.Outgoing, s.OutgoingLogin, addressed)
	element(outgoing, "AuthRequired", onOff(needsLogin(s.Outgoing)))
	element(outgoing, "UsePOPAuth", "off") // it has a login of its own, stated above
	element(outgoing, "SMTPLast", "off")
	text, err := write(doc)
	if err != nil {
		return nil, err
	}
	return settings.NewTemplate(text)
}

var protocolTypes = map[settings.Protocol]string{
	settings.IMAP: "IMAP", settings.POP3: "POP3", settings.SMTP: "SMTP",
}

// protocol writes what both directions have. Everything whose default would hurt
// is stated: LoginName (default: the part before the @), DomainRequired, SPA
// (default: on, which is NTLM), SSL (default: on).
func protocol(
	account *etree.Element, kind string, s settings.Server, login settings.Login, addressed bool,
) *etree.Element {
	p := account.CreateElement("Protocol")
	element(p, "Type", kind)
	element(p, "Server", s.Host)
	element(p, "Port", strconv.Itoa(s.Port))
	element(p, "DomainRequired", "off")
	if addressed && needsLogin(s) {
		element(p, "LoginName", login.Literal)
	}
	element(p, "SPA", "off")
	// Always both: readers that know only one of them must not end in plaintext.
	element(p, "SSL", "on")
	element(p, "Encryption", encryption[s.Security])
	return p
}

var encryption = map[settings.Security]string{settings.TLS: "SSL", settings.STARTTLS: "TLS"}

// expressible tells whether the reply can say s without misleading.
func expressible(s settings.Settings) error {
	for _, server := range []settings.Server{s.Incoming, s.Outgoing} {
		switch {
		case server.Security == settings.None:
			return ErrPlaintext
		case !slices.ContainsFunc(server.Auth, hasPassword) && needsLogin(server):
			return ErrAuth
		}
	}
	if s.Typed.IsZero() && (s.IncomingLogin.Pattern != "{address}" || s.OutgoingLogin.Pattern != "{address}") {
		return ErrNoLogin
	}
	return nil
}

// hasPassword: with SPA off, Outlook sends the password as it is, or by a
// challenge where the server offers one.
func hasPassword(a settings.Auth) bool {
	switch a {
	case settings.AuthPlain, settings.AuthLogin, settings.AuthCramMD5, settings.AuthDigestMD5,
		settings.AuthScramSHA1, settings.AuthScramSHA256, settings.AuthNTLM:
		return true
	}
	return false
}

// needsLogin tells whether the server asks for any authentication.
func needsLogin(s settings.Server) bool {
	return slices.ContainsFunc(s.Auth, func(a settings.Auth) bool {
		return a != settings.AuthNone && a != settings.AuthClientIP
	})
}

func newResponse(namespace string) (*etree.Document, *etree.Element) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="utf-8"`)
	root := doc.CreateElement("Autodiscover")
	root.CreateAttr("xmlns", responseNamespace)
	response := root.CreateElement("Response")
	if namespace != "" {
		response.CreateAttr("xmlns", namespace)
	}
	return doc, response
}

func write(doc *etree.Document) ([]byte, error) {
	doc.Indent(2)
	return doc.WriteToBytes()
}

func element(parent *etree.Element, tag, text string) { parent.CreateElement(tag).SetText(text) }

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
