package reading

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/settings"
)

// Thunderbird reads an autoconfig document as Thunderbird 153 does
// (modules/accountcreation/readFromXML.sys.mjs). The error is a [refusal].
func Thunderbird(d Document, person Person) (*Account, error) {
	root, err := geckoXML(d)
	if err != nil {
		return nil, err
	}
	provider, err := emailProvider(root)
	if err != nil {
		return nil, err
	}
	config, err := readProvider(provider)
	if err != nil {
		return nil, err
	}
	return config.account(person)
}

// ThunderbirdPassesOver returns the servers of a document that Thunderbird skips, each with
// the reason. The error is the reason why it makes no account at all.
func ThunderbirdPassesOver(d Document, person Person) (passed []string, err error) {
	root, err := geckoXML(d)
	if err != nil {
		return nil, err
	}
	if provider, err := emailProvider(root); err == nil {
		for tag, read := range map[string]func(value) error{
			"incomingServer": func(xml value) error { _, err := readIncoming(xml); return err },
			"outgoingServer": func(xml value) error { _, err := readOutgoing(xml); return err },
		} {
			for _, xml := range provider.lists[tag] {
				if reason := read(xml); reason != nil {
					host, _ := xml.get("hostname")
					passed = append(passed, fmt.Sprintf("<%s> %s %s: %v", tag, xml.attributes["type"], host, reason))
				}
			}
		}
	}
	slices.Sort(passed)
	_, err = Thunderbird(d, person)
	return passed, err
}

// config is Thunderbird's AccountConfig.
type config struct {
	name     string
	incoming []incoming // the first one counts, the others are offered
	outgoing outgoing
}

type incoming struct {
	Server
	retention Retention
}

type outgoing struct {
	Server
	// named reports whether there is a username.
	named bool
}

func emailProvider(root *element) (value, error) {
	if root.name != "clientConfig" {
		return value{}, refuse("the root element is <%s>, not <clientConfig>", root.name)
	}
	provider, ok := objectify(root).get("emailProvider")
	if !ok {
		return value{}, refuse("there is no <emailProvider>")
	}
	return provider, nil
}

func readProvider(xml value) (*config, error) {
	id, err := sanitizeHost(xml.attributes["id"])
	if err != nil {
		return nil, refuse("the id of <emailProvider>: %v", err)
	}
	c := &config{name: id}
	name, _ := xml.get("displayName")
	c.name = name.String()
	if err := needDomain(xml.lists["domain"]); err != nil {
		return nil, err
	}
	if err := c.readIncoming(xml.lists["incomingServer"]); err != nil {
		return nil, err
	}
	return c, c.readOutgoing(xml.lists["outgoingServer"])
}

func needDomain(domains []value) error {
	err := refuse("there is no <domain>")
	for _, d := range domains {
		if _, err = sanitizeHost(d); err == nil {
			return nil
		}
	}
	return refuse("<domain>: %v", err)
}

func (c *config) readIncoming(servers []value) error {
	reason := refuse("there is no <incomingServer>")
	for _, xml := range servers {
		in, err := readIncoming(xml)
		if err != nil {
			reason = err
			continue
		}
		c.incoming = append(c.incoming, in)
	}
	if len(c.incoming) == 0 {
		return refuse("<incomingServer>: %v", reason)
	}
	return nil
}

func (c *config) readOutgoing(servers []value) error {
	reason := refuse("there is no <outgoingServer>")
	for _, xml := range servers {
		out, err := readOutgoing(xml)
		if err == nil {
			c.outgoing = out
			return nil
		}
		reason = err
	}
	return refuse("<outgoingServer>: %v", reason)
}

// incomingTypes are the known types; "graph" is only known if a preference is set.
var incomingTypes = map[string]bool{"pop3": true, "imap": true, "nntp": true, "exchange": true, "ews": true, "owa": true}

func readIncoming(xml value) (incoming, error) {
	in := incoming{retention: Retention{Leave: true, Days: 14}}
	kind := xml.attributes["type"]
	if kind.kind != text || !incomingTypes[kind.text] {
		return in, refuse("type %q", kind)
	}
	in.Type = kind.text
	var err error
	if host, ok := xml.get("hostname"); ok {
		if in.Host, err = sanitizeHost(host); err != nil {
			return in, err
		}
	}
	if port, ok := xml.get("port"); ok {
		if in.Port, err = sanitizePort(port); err != nil {
			return in, err
		}
	}
	if url, ok := xml.get("url"); ok {
		in.readURL(url.String())
	}
	username, _ := xml.get("username") // none is the text "undefined"
	in.Username = username.String()
	if err := in.readSocket(xml.lists["socketType"]); err != nil {
		return in, err
	}
	if in.Auth, err = authentication(in.Server, xml.lists["authentication"]); err != nil {
		return in, err
	}
	if pop3, ok := xml.get("pop3"); ok && in.Type == "pop3" {
		in.readRetention(pop3)
	}
	return in, nil
}

// readRetention stops at the first invalid value.
func (in *incoming) readRetention(xml value) {
	if v, ok := xml.get("leaveMessagesOnServer"); ok {
		leave, err := sanitizeBoolean(v)
		if err != nil {
			return
		}
		in.retention.Leave = leave
	}
	if v, ok := xml.get("daysToLeaveMessagesOnServer"); ok {
		if days, err := sanitizeInteger(v); err == nil {
			in.retention.Days = int(int32(int64(days))) //nolint:gosec // setIntValue cuts it so
		}
	}
}

// readURL takes host and security from a URL; an invalid one has no effect.
func (s *Server) readURL(url string) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	host, err := sanitizeHost(value{kind: text, text: rest})
	if err != nil {
		return
	}
	s.Host = host
	s.Security = map[string]settings.Security{"https": settings.TLS, "http": settings.None}[scheme]
}

var socketTypes = map[string]settings.Security{"plain": settings.None, "SSL": settings.TLS, "STARTTLS": settings.STARTTLS}

// readSocket takes the first known value.
func (s *Server) readSocket(list []value) error {
	for _, v := range list {
		if security, ok := socketTypes[v.text]; ok && v.kind == text {
			s.Security = security
			return nil
		}
	}
	if s.Security == "" {
		return refuse("no socketType that it knows (%s)", join(list))
	}
	return nil
}

func join(list []value) string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = v.String()
	}
	if len(all) == 0 {
		return "none given"
	}
	return strings.Join(all, ", ")
}

var mechanisms = map[string]string{
	"password-cleartext": "password", "plain": "password",
	"password-encrypted": "encrypted password", "secure": "encrypted password",
	"GSSAPI": "GSSAPI", "NTLM": "NTLM", "OAuth2": "OAuth2",
}

// openMechanisms are for outgoing servers only.
var openMechanisms = map[string]bool{"none": true, "client-IP-address": true, "smtp-after-pop": true}

// authentication takes the first known mechanism; OAuth2 only if the host's provider is built
// in.
func authentication(s Server, list []value) (string, error) {
	if s.Host == "" {
		return "", refuse("there is no hostname")
	}
	reason := refuse("no authentication that it knows (%s)", join(list))
	for _, v := range list {
		if v.kind != text {
			continue
		}
		if s.Type == "smtp" && openMechanisms[v.text] {
			return "none", nil
		}
		name, ok := mechanisms[v.text]
		if ok && name == "OAuth2" && !knowsOAuth2(s.Host, s.Type) {
			reason = refuse("it has no OAuth2 for %s", s.Host)
			continue
		}
		if ok {
			return name, nil
		}
	}
	return "", reason
}

func readOutgoing(xml value) (outgoing, error) {
	var out outgoing
	if kind := xml.attributes["type"]; !kind.is("smtp") {
		return out, refuse("type %q", kind)
	}
	out.Type = "smtp"
	host, _ := xml.get("hostname")
	port, _ := xml.get("port")
	var err error
	if out.Host, err = sanitizeHost(host); err != nil {
		return out, err
	}
	if out.Port, err = sanitizePort(port); err != nil {
		return out, err
	}
	if err := out.readSocket(xml.lists["socketType"]); err != nil {
		return out, err
	}
	if out.Auth, err = authentication(out.Server, xml.lists["authentication"]); err != nil {
		return out, err
	}
	username, ok := xml.get("username")
	if ok || out.Auth == "password" || out.Auth == "encrypted password" {
		out.Username, out.named = username.String(), true
	}
	return out, nil
}
