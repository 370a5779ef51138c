package reading

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// ThunderbirdAutodiscover reads an Autodiscover answer as Thunderbird 153 does
// (modules/accountcreation/ExchangeAutoDiscover.sys.mjs). Instead of an account it may
// return another address, for which Thunderbird asks next; only then is there a username,
// which is the first address.
func ThunderbirdAutodiscover(d Document, person Person, username string) (a *Account, redirect string, err error) {
	root, err := geckoXML(d)
	if err != nil {
		return nil, "", err
	}
	account, err := autodiscoverAccount(root)
	if err != nil {
		return nil, "", err
	}
	if to, _ := account.get("RedirectAddr"); !to.falsy() {
		if !redirectAddress.MatchString(to.String()) {
			return nil, "", refuse("RedirectAddr %q is not an address", to)
		}
		return nil, strings.ToLower(to.String()), nil
	}
	if _, ok := account.get("Protocol"); !ok {
		return nil, "", refuse("there is no <Protocol>")
	}
	c := newDiscovered(username)
	for _, xml := range account.lists["Protocol"] {
		c.read(xml)
	}
	a, err = c.account(person)
	return a, "", err
}

var redirectAddress = regexp.MustCompile(`(?i)^[a-z0-9\-%+_.*]+@[a-z0-9\-.]+\.[a-z]+$`)

// autodiscoverAccount finds Autodiscover/Response/Account. Names are compared including their
// prefixes, and namespaces are ignored.
func autodiscoverAccount(root *element) (value, error) {
	if root.name != "Autodiscover" {
		return value{}, refuse("the root element is <%s>, not <Autodiscover>", root.name)
	}
	v := objectify(root)
	for _, name := range []string{"Response", "Account"} {
		inner, ok := v.get(name)
		if !ok {
			return value{}, refuse("there is no <%s>", name)
		}
		v = inner
	}
	return v, nil
}

// discovered is the AccountConfig under construction.
type discovered struct {
	username string
	incoming Server
	others   []Server
	outgoing Server
}

func newDiscovered(username string) *discovered {
	if username == "" {
		username = "%EMAILADDRESS%"
	}
	return &discovered{username: username, incoming: Server{Port: 443, Security: settings.TLS, Auth: "password", Username: username}}
}

// read reads a known Protocol, and skips others.
func (c *discovered) read(xml value) {
	kind, _ := xml.get("Type")
	switch {
	case kind.kind != text:
	case kind.text == "WEB":
		c.readWeb(xml)
	case kind.text == "EXHTTP", kind.text == "EXCH":
		if ews, ok := xml.get("EwsUrl"); ok {
			c.exchange(ews)
		}
	case kind.text == "POP3", kind.text == "IMAP", kind.text == "SMTP":
		if s, ok := c.server(xml, strings.ToLower(kind.text)); ok {
			c.keep(s)
		}
	}
}

func (c *discovered) keep(s Server) {
	switch {
	case s.Type == "smtp":
		if c.outgoing.Host == "" {
			c.outgoing = s
		}
	case c.incoming.Host == "":
		c.incoming = s
	default:
		c.others = append(c.others, s)
	}
}

func (c *discovered) readWeb(xml value) {
	urls, ok := xml.get("External")
	if !ok {
		urls, ok = xml.get("Internal")
	}
	if !ok || urls.kind != object {
		return
	}
	// The URL is the text next to an attribute, so there must be an attribute.
	if owa, ok := urls.get("OWAUrl"); ok && owa.kind == object {
		if address, ok := owa.get("value"); ok {
			c.exchange(address)
		}
	}
}

// exchange turns the incoming server into an Exchange account, whatever it was.
func (c *discovered) exchange(address value) {
	u, err := url.Parse(address.String())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	c.incoming.Type = "exchange"
	host, err := sanitizeHost(value{kind: text, text: u.Hostname()})
	if err != nil {
		return
	}
	c.incoming.Host = host
	standard := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if port, err := strconv.Atoi(u.Port()); err == nil && u.Port() != standard {
		c.incoming.Port = port
	}
}

// server reads a mail protocol.
func (c *discovered) server(xml value, kind string) (Server, bool) {
	s := Server{Type: kind, Auth: "password", Username: c.username}
	host, _ := xml.get("Server")
	port, _ := xml.get("Port")
	var err error
	if s.Host, err = sanitizeHost(host); err != nil {
		return s, false
	}
	number, err := sanitizeInteger(port)
	if err != nil {
		return s, false
	}
	s.Port = int(int32(int64(number))) //nolint:gosec // it is stored so
	plain, ok := isWord(xml, "SSL", "off")
	if ok && !plain {
		plain, ok = isWord(xml, "Encryption", "none")
	}
	spa, readable := isWord(xml, "SPA", "on")
	if !ok || !readable {
		return s, false
	}
	s.Security = settings.TLS
	switch {
	case plain:
		s.Security = settings.None
	case s.Port == 143, s.Port == 110, s.Port == 25, s.Port == 587:
		s.Security = settings.STARTTLS
	}
	if spa {
		s.Auth = "secure"
	}
	if login, there := xml.get("LoginName"); there {
		if login.falsy() {
			return s, false
		}
		s.Username = login.String()
	}
	return s, true
}

// isWord compares an element in any letter case; if it isn't a text, the server is invalid.
func isWord(xml value, name, word string) (is, ok bool) {
	v, there := xml.get(name)
	if !there {
		return false, true
	}
	return strings.EqualFold(v.text, word), v.kind == text
}

func (c *discovered) complete() error {
	switch out := c.outgoing; {
	case c.incoming.Host == "":
		return refuse("there is neither IMAP nor POP3 in it that it can read")
	case c.incoming.Port == 0, out.Host != "" && out.Port == 0:
		return refuse("a port is 0")
	}
	return nil
}

func (c *discovered) account(person Person) (*Account, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	// A protocol that it supports itself is preferred to Exchange.
	all := append([]Server{c.incoming}, c.others...)
	var ordered, exchange []Server
	for _, s := range all {
		if s.Type == "exchange" {
			exchange = append(exchange, s)
		} else {
			ordered = append(ordered, s)
		}
	}
	if len(ordered) == 0 {
		// As nothing else answers at the host, the server is offered twice.
		exchange = append(exchange, c.incoming)
	}
	ordered = append(ordered, exchange...)
	v := variables(person)
	for i := range ordered {
		ordered[i] = v.server(ordered[i])
	}
	a := &Account{Incoming: ordered[0], Others: ordered[1:], Outgoing: v.server(c.outgoing)}
	if len(a.Others) == 0 {
		a.Others = nil
	}
	if a.Incoming.Type == "pop3" {
		a.Retention = &Retention{Leave: true, Days: 14}
	}
	if err := a.store(); err != nil {
		return nil, err
	}
	return a, nil
}
