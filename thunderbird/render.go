package thunderbird

import (
	"strconv"

	"github.com/beevik/etree"

	"autoconfig/settings"
)

// Render writes the document for s: exactly one incoming server for mail, the
// decided one, and one outgoing. It returns [ErrLogin] if the login can't be
// carried.
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

// Compile renders the document once for all domains and addresses with the same
// offer and the same [settings.TemplateKey]. s must have come through [Resolve], and so
// must all that the template is filled with.
func Compile(s settings.Settings) (*settings.Template, error) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	writeConfig(doc.CreateElement("clientConfig"), s.WithSlots())
	doc.Indent(2)
	text, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	return settings.NewTemplate(text)
}

func writeConfig(root *etree.Element, s settings.Settings) {
	root.CreateAttr("version", "1.1")
	provider := root.CreateElement("emailProvider")
	// Thunderbird refuses an id that isn't a host name, and a file without a valid
	// domain; it doesn't compare either with the address.
	provider.CreateAttr("id", s.Domain)
	element(provider, "domain", s.Domain)
	element(provider, "displayName", s.Provider.Name)
	element(provider, "displayShortName", s.Provider.ShortName)

	writeIncoming(provider, s)
	writeOutgoing(provider, s)
	if s.Provider.HelpURL != "" {
		help := provider.CreateElement("documentation")
		help.CreateAttr("url", s.Provider.HelpURL)
		descr := help.CreateElement("descr")
		descr.CreateAttr("lang", "en")
		descr.SetText("Help")
	}
	writeServices(root, s)
}

func writeIncoming(provider *etree.Element, s settings.Settings) {
	incoming := server(provider, "incomingServer", string(s.Decision.Protocol), s.Incoming, s.IncomingLogin)
	if s.Decision.Protocol == settings.POP3 {
		pop3 := incoming.CreateElement("pop3")
		element(pop3, "leaveMessagesOnServer", strconv.FormatBool(s.Decision.POP3.Leave))
		if s.Decision.POP3.Leave {
			days := s.Decision.POP3.Days
			if days == 0 {
				days = settings.MaxDays // no element turns Thunderbird's deletion by age off
			}
			element(pop3, "daysToLeaveMessagesOnServer", strconv.Itoa(days))
		}
		return
	}
	// JMAP shows the same mailbox as IMAP does; beside POP3 it would be a second
	// protocol. It stands last: FairEmail reads only the first incomingServer.
	if s.Services.JMAP != "" {
		urlService(provider, "incomingServer", "jmap", s.Services.JMAP, s.ServiceLogin)
	}
}

func writeOutgoing(provider *etree.Element, s settings.Settings) {
	server(provider, "outgoingServer", string(settings.SMTP), s.Outgoing, s.OutgoingLogin)
}

// server writes a mail server. Its element has no attribute but type: Evolution
// drops the whole document for any other.
func server(parent *etree.Element, tag, kind string, s settings.Server, login settings.Login) *etree.Element {
	e := parent.CreateElement(tag)
	e.CreateAttr("type", kind)
	element(e, "hostname", s.Host)
	element(e, "port", strconv.Itoa(s.Port))
	element(e, "socketType", socketTypes[s.Security])
	for _, method := range authentication(s.Auth) {
		element(e, "authentication", method)
	}
	if hasLogin(s.Auth) {
		element(e, "username", login.Literal)
	}
	return e
}

// socketTypes are compared letter by letter by Thunderbird and Evolution.
var socketTypes = map[settings.Security]string{
	settings.TLS: "SSL", settings.STARTTLS: "STARTTLS", settings.None: "plain",
}

// writeServices writes what stands beside mail, as children of clientConfig
// (draft, section 3.5). Today's Thunderbird and Evolution pass over all of it.
func writeServices(root *etree.Element, s settings.Settings) {
	for _, service := range []struct{ tag, kind, url string }{
		{"calendar", "caldav", s.Services.CalDAV},
		{"addressbook", "carddav", s.Services.CardDAV},
		{"fileShare", "webdav", s.Services.WebDAV},
	} {
		if service.url != "" {
			urlService(root, service.tag, service.kind, service.url, s.ServiceLogin)
		}
	}
	if sieve := s.Services.ManageSieve; sieve != nil {
		server(root, "setupServer", string(settings.ManageSieve), *sieve, s.IncomingLogin)
	}
	if s.Services.Webmail != "" {
		root.CreateElement("webMail").CreateElement("loginPage").CreateAttr("url", s.Services.Webmail)
	}
	if o := s.Services.OAuth2; o != nil {
		e := root.CreateElement("oAuth2")
		element(e, "issuer", o.Issuer)
		element(e, "scope", o.Scope)
		element(e, "authURL", o.AuthURL)
		element(e, "tokenURL", o.TokenURL)
		if o.ClientID != "" {
			element(e, "clientID", o.ClientID)
		}
	}
}

func urlService(parent *etree.Element, tag, kind, url string, login settings.Login) {
	e := parent.CreateElement(tag)
	e.CreateAttr("type", kind)
	element(e, "url", url)
	auth := e.CreateElement("authentication")
	auth.CreateAttr("system", "http")
	auth.SetText("Basic")
	element(e, "username", login.Literal)
}

func element(parent *etree.Element, tag, text string) { parent.CreateElement(tag).SetText(text) }
