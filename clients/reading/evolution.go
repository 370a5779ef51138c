package reading

import (
	"slices"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// evolutionUser is what Evolution sends instead of the local part.
const evolutionUser = "EVOLUTIONUSER"

// Evolution reads an autoconfig document as Evolution 3.46 does
// (src/mail/e-mail-autoconfig.c): it recognises only the servers, and the last server
// of a type wins. It may find only incoming servers, or half a server.
func Evolution(d Document, person Person) (*Account, error) {
	e := &evolution{person: person, servers: map[string]*Server{}}
	return e.account(e.read(d))
}

var errEmpty = refuse("there is no server that it knows")

type evolution struct {
	person  Person
	servers map[string]*Server // by type, as far as anything of them is set
	inside  string             // the type of the server that is read
}

func (e *evolution) read(d Document) error {
	reader := gmarkup{start: e.start, end: e.end, text: e.text}
	return reader.parse(d.Body)
}

func isServer(element string) bool { return element == "incomingServer" || element == "outgoingServer" }

func (e *evolution) start(element string, attributes []attribute) error {
	if !isServer(element) {
		return nil
	}
	if len(attributes) != 1 || attributes[0].name != "type" {
		return refuse("<%s> needs the attribute type, and none but that", element)
	}
	if kind := attributes[0].value; slices.Contains([]string{"imap", "pop3", "smtp"}, kind) {
		e.inside = kind
	}
	return nil
}

func (e *evolution) end(element string) {
	if isServer(element) {
		e.inside = ""
	}
}

func (e *evolution) text(element, text string) {
	if e.inside == "" {
		return
	}
	s := e.servers[e.inside]
	if s == nil {
		s = &Server{Type: e.inside, Security: settings.None}
	}
	text = e.fill(text)
	set := true
	switch element {
	case "hostname":
		s.Host = text
	case "username":
		s.Username = text
	case "port":
		var port int
		if port, set = leadingPort(text); set {
			s.Port = port
		}
	case "socketType":
		var security settings.Security
		if security, set = socketTypes[text]; set {
			s.Security = security
		}
	case "authentication":
		set = s.authenticate(text)
	default:
		set = false
	}
	if set {
		e.servers[e.inside] = s
	}
}

// authenticate keeps the last known mechanism.
func (s *Server) authenticate(text string) bool {
	switch text {
	case "password-cleartext", "plain":
		s.Auth = "password"
	case "password-encrypted":
		s.Auth = "encrypted password"
	default:
		return false
	}
	return true
}

// leadingPort parses a number as strtol does, if it is a port.
func leadingPort(text string) (int, bool) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	text = strings.TrimPrefix(text, "+")
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	port, err := strconv.Atoi(digits)
	return port, err == nil && port >= 1 && port <= 65535
}

// fill replaces placeholders in one pass. That of the domain becomes empty: the library takes
// it from a setting that is never set.
func (e *evolution) fill(text string) string {
	local, _, _ := strings.Cut(e.person.Email, "@")
	return strings.NewReplacer("%EMAILADDRESS%", e.person.Email, "%EMAILLOCALPART%", local, "%EMAILDOMAIN%", "",
		evolutionUser, local).Replace(text)
}

// account prefers IMAP to POP3, in any order.
func (e *evolution) account(err error) (*Account, error) {
	if err != nil {
		return nil, err
	}
	if len(e.servers) == 0 {
		return nil, errEmpty
	}
	a := &Account{}
	for _, kind := range []string{"imap", "pop3", "smtp"} {
		found := e.servers[kind]
		if found == nil {
			continue
		}
		s := *found
		s.Host, s.Username = strings.TrimSpace(s.Host), strings.TrimSpace(s.Username)
		switch {
		case hasOAuth2Domain(s.Host):
			s.Auth = "OAuth2"
		case s.Auth == "" && kind == "smtp":
			s.Auth = "none"
		case s.Auth == "":
			s.Auth = "password"
		}
		switch {
		case kind == "smtp":
			a.Outgoing = s
		case a.Incoming.Type == "":
			a.Incoming = s
		default:
			a.Others = append(a.Others, s)
		}
	}
	return a, nil
}

// hasOAuth2Domain reports whether Evolution uses OAuth2 for a host, regardless of the
// document. It searches for the domains anywhere in the name.
func hasOAuth2Domain(host string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc([]string{"gmail.com", "googlemail.com", "google.com", "yahoo.com", "outlook.com"},
		func(domain string) bool { return strings.Contains(host, "."+domain) })
}
