package reading

import (
	"errors"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// DeltaChat reads an autoconfig document as Delta Chat does (chatmail/core,
// src/configure/auto_mozilla.rs): it matches names in any letter case, at any
// place, takes the last value of each of a server's elements, and ignores authentication.
// If there is no outgoing server, it guesses one.
func DeltaChat(d Document, person Person) (*Account, error) {
	r := &deltachat{variables: variables(person)}
	reader := gmarkup{start: r.start, end: r.end, text: r.text}
	if err := reader.parse(d.Body); err != nil && !errors.Is(err, errUnclosed) {
		return nil, err
	}
	if r.found["imap"] == nil {
		return nil, errNoServer
	}
	a := &Account{Incoming: *r.found["imap"]}
	if out := r.found["smtp"]; out != nil {
		a.Outgoing = *out
	}
	return a, nil
}

// errNoServer ends Delta Chat's search, which takes it for an answer without servers.
var errNoServer = refuse("there is no IMAP server with a hostname, a port and a username")

type deltachat struct {
	variables placeholders
	found     map[string]*Server // the first of each type
	server    *Server            // the one that is read
	element   string             // the element of the server that was begun last
	has       map[string]bool
}

func (r *deltachat) start(element string, attributes []attribute) error {
	r.element = strings.ToLower(element)
	if r.server != nil || r.element != "incomingserver" && r.element != "outgoingserver" {
		return nil
	}
	r.server, r.has = &Server{}, map[string]bool{}
	for _, a := range attributes {
		if strings.EqualFold(a.name, "type") {
			r.server.Type = strings.ToLower(a.value)
			break
		}
	}
	return nil
}

func (r *deltachat) end(element string) {
	element = strings.ToLower(element)
	if r.server == nil || element != "incomingserver" && element != "outgoingserver" {
		return
	}
	if r.has["hostname"] && r.has["port"] && r.has["username"] {
		if r.found == nil {
			r.found = map[string]*Server{}
		}
		if r.found[r.server.Type] == nil {
			r.found[r.server.Type] = r.server
		}
	}
	r.server = nil
}

func (r *deltachat) text(_, text string) {
	text = strings.TrimSpace(text)
	if r.server == nil || text == "" {
		return
	}
	r.has[r.element] = true
	switch r.element {
	case "hostname":
		r.server.Host = r.fill(text)
	case "username":
		r.server.Username = r.fill(text)
	case "port":
		port, _ := strconv.ParseUint(text, 10, 16) // 0 means the usual ones
		r.server.Port = int(port)
	case "sockettype":
		// For an unknown value, it tries everything.
		r.server.Security = map[string]settings.Security{
			"ssl": settings.TLS, "starttls": settings.STARTTLS, "plain": settings.None,
		}[strings.ToLower(text)]
	}
}

func (r *deltachat) fill(text string) string {
	for _, v := range r.variables[:3] { // not the person's name
		text = strings.ReplaceAll(text, v[0], v[1])
	}
	return text
}
