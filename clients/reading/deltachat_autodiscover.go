package reading

import (
	"errors"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// DeltaChatAutodiscover reads an Autodiscover answer as Delta Chat does (chatmail/core,
// src/configure/auto_outlook.rs): it matches names in any letter case, ignores
// LoginName, and stops at a RedirectUrl at any place.
func DeltaChatAutodiscover(d Document, person Person) (*Account, Redirect, error) {
	r := &deltachatPOX{person: person}
	reader := gmarkup{start: r.start, end: r.end, text: r.text}
	err := reader.parse(d.Body)
	switch {
	case r.redirect != "":
		return nil, Redirect{URL: r.redirect}, nil
	case r.nowhere:
		return nil, Redirect{}, refuse("its RedirectUrl is empty")
	case err != nil && !errors.Is(err, errUnclosed):
		return nil, Redirect{}, err
	case r.account.Incoming.Type == "":
		return nil, Redirect{}, errNoProtocol
	}
	return &r.account, Redirect{}, nil
}

var errNoProtocol = refuse("there is no IMAP with a Server and a Port")

type deltachatPOX struct {
	person   Person
	account  Account
	protocol bool
	element  string
	has      map[string]string
	redirect string
	nowhere  bool // a RedirectUrl without a text
}

var errRedirected = refuse("it leads elsewhere")

func (r *deltachatPOX) start(element string, _ []attribute) error {
	if r.redirect != "" || r.nowhere {
		return errRedirected
	}
	r.element = strings.ToLower(element)
	if r.element == "protocol" && !r.protocol {
		r.protocol, r.has = true, map[string]string{}
	}
	return nil
}

func (r *deltachatPOX) text(_, text string) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
	case r.protocol:
		r.has[r.element] = text
	case r.element == "redirecturl" && r.redirect == "":
		r.redirect = text
	}
}

func (r *deltachatPOX) end(element string) {
	element = strings.ToLower(element)
	if element == r.element {
		r.nowhere = r.nowhere || element == "redirecturl" && !r.protocol
		r.element = ""
	}
	if element != "protocol" || !r.protocol {
		return
	}
	r.protocol = false
	host, at := r.has["server"], r.has["port"]
	kind := strings.ToLower(r.has["type"])
	if host == "" || at == "" || kind != "imap" && kind != "smtp" {
		return
	}
	port, _ := strconv.ParseUint(at, 10, 16) // 0 means the usual ones
	s := Server{Type: kind, Host: host, Port: int(port), Security: settings.TLS}
	s.Username = r.person.Email
	switch {
	case r.has["ssl"] == "off":
		s.Security = settings.None
	case s.Port == 143, s.Port == 587: // TLS is tried first, and fails there
		s.Security = settings.STARTTLS
	}
	switch {
	case kind == "imap" && r.account.Incoming.Type == "":
		r.account.Incoming = s
	case kind == "smtp" && r.account.Outgoing.Type == "":
		r.account.Outgoing = s
	}
}
