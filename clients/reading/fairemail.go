package reading

import (
	"strconv"
	"strings"

	"autoconfig/settings"
)

// FairEmail reads an autoconfig document as FairEmail does
// (app/src/main/java/eu/faircode/email/EmailProvider.java, getISPDB): it matches names
// at any place, takes only the first incoming server, which must be IMAP, and the last
// username of the document. It ignores authentication, and always uses TLS.
func FairEmail(d Document, person Person) (*Account, error) {
	r, err := readFairEmail(d)
	if err != nil {
		return nil, err
	}
	return r.account(person)
}

// FairEmailOutranksSRV reports whether FairEmail prefers a document to the domain's SRV
// records: it does if the document has a login (getScore).
func FairEmailOutranksSRV(d Document, person Person) bool {
	r, err := readFairEmail(d)
	return err == nil && r.literal != "" && !strings.EqualFold(r.literal, person.Email)
}

func readFairEmail(d Document) (*fairemail, error) {
	root, err := androidXML(d)
	if err != nil {
		return nil, err
	}
	r := &fairemail{}
	return r, root.walk(r)
}

// androidXML parses a page as Android's XmlPullParser without features does: as UTF-8
// regardless of its declaration, without namespaces, and without the document's entities.
func androidXML(d Document) (*element, error) {
	return dialect{prefixes: true, noEntities: true}.parse(strings.ToValidUTF8(string(d.Body), "\uFFFD"))
}

// fairemail is the state of FairEmail's reader.
type fairemail struct {
	imap, smtp       bool // which server is read
	hadIn, hadOut    bool
	incoming         Server
	outgoing         Server
	named            string // the element whose text may come next
	user             string // "", or a placeholder that is the whole name, or a name
	literal          string // the last name that is no placeholder
	firstIncoming    string // its type
	incomingStarttls bool
	outgoingStarttls bool
}

func (r *fairemail) start(e *element) error {
	r.named = e.name
	switch e.name {
	case "incomingServer":
		if !r.hadIn && r.firstIncoming == "" {
			r.firstIncoming = e.kind()
		}
		r.imap = !r.hadIn && e.kind() == "imap"
	case "outgoingServer":
		r.smtp = !r.hadOut && e.kind() == "smtp"
	}
	return nil
}

func (r *fairemail) end(e *element) {
	r.named = ""
	switch e.name {
	case "incomingServer":
		r.hadIn, r.imap = true, false
	case "outgoingServer":
		r.hadOut, r.smtp = true, false
	}
}

func (r *fairemail) text(text string) error {
	name := r.named
	r.named = ""
	if name == "username" {
		r.username(text)
		return nil
	}
	s, starttls, standard := &r.incoming, &r.incomingStarttls, 143
	if !r.imap {
		s, starttls, standard = &r.outgoing, &r.outgoingStarttls, 587
	}
	if !r.imap && !r.smtp {
		return nil
	}
	switch name {
	case "hostname":
		s.Host = text
	case "port":
		port, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return refuse("%q is not a port", text)
		}
		s.Port, *starttls = int(port), int(port) == standard
	case "socketType": // it knows no plaintext
		switch text {
		case "SSL":
			*starttls = false
		case "STARTTLS":
			*starttls = true
		}
	}
	return nil
}

// username fills in a placeholder that is the whole name, and keeps any other text.
func (r *fairemail) username(text string) {
	r.user = text
	if text != "%EMAILADDRESS%" && text != "%EMAILLOCALPART%" {
		r.literal = text
	}
}

func (r *fairemail) account(person Person) (*Account, error) {
	r.incoming.Type, r.outgoing.Type = "imap", "smtp"
	switch {
	case r.firstIncoming != "imap":
		return nil, refuse("the first <incomingServer> isn't IMAP (type %q), and it reads no other", r.firstIncoming)
	case r.incoming.Host == "" || r.incoming.Port <= 0:
		return nil, refuse("the first <incomingServer> has no hostname or no port")
	case r.outgoing.Host == "" || r.outgoing.Port <= 0:
		return nil, refuse("the first <outgoingServer> isn't SMTP, or has no hostname or no port")
	}
	logins := r.logins(person)
	a := &Account{Incoming: r.incoming, Outgoing: r.outgoing, Tries: logins[1:]}
	for s, starttls := range map[*Server]bool{&a.Incoming: r.incomingStarttls, &a.Outgoing: r.outgoingStarttls} {
		s.Username, s.Security = logins[0], settings.TLS
		if starttls {
			s.Security = settings.STARTTLS
		}
	}
	return a, nil
}

// logins returns the names that it tries, in its order (FragmentQuickSetup.java).
func (r *fairemail) logins(person Person) []string {
	local, _, _ := strings.Cut(person.Email, "@")
	switch r.user {
	case "%EMAILLOCALPART%":
		return []string{local, person.Email}
	case "", "%EMAILADDRESS%":
		return []string{person.Email, local}
	}
	name := r.literal
	if domain, ok := strings.CutPrefix(name, "*@"); ok {
		name = local + "@" + domain
	}
	return []string{name, person.Email, local}
}

// FairEmailAutodiscover reads an Autodiscover answer as FairEmail does
// (EmailProvider.java, getMSAutodiscovery): the last IMAP and SMTP server, of which
// it uses the port, but neither login nor SSL.
func FairEmailAutodiscover(d Document, person Person) (*Account, Redirect, error) {
	root, err := androidXML(d)
	if err != nil {
		return nil, Redirect{}, err
	}
	r := &fairemailPOX{}
	if err := root.walk(r); err != nil {
		return nil, Redirect{}, err
	}
	for _, s := range []Server{r.found["IMAP"], r.found["SMTP"]} {
		if s.Host == "" || s.Port <= 0 {
			return nil, Redirect{}, refuse("there are no IMAP and SMTP servers with a port in an Account " +
				"of AccountType email and Action settings")
		}
	}
	login := &fairemail{}
	logins := login.logins(person)
	a := &Account{Incoming: r.found["IMAP"], Outgoing: r.found["SMTP"], Tries: logins[1:]}
	a.Incoming.Username, a.Outgoing.Username = logins[0], logins[0]
	return a, Redirect{}, nil
}

type fairemailPOX struct {
	account, email, settings, protocol bool
	imap, smtp                         bool
	host                               string
	port                               int
	named                              string
	found                              map[string]Server
}

func (r *fairemailPOX) start(e *element) error {
	r.named = e.name
	switch {
	case e.name == "Account":
		r.account = true
	case e.name == "Protocol" && r.account:
		r.protocol = true
	}
	return nil
}

func (r *fairemailPOX) text(text string) error {
	name := r.named
	r.named = ""
	switch {
	case !r.account:
	case name == "AccountType":
		r.email = r.email || text == "email"
	case name == "Action":
		r.settings = r.settings || text == "settings"
	case !r.email || !r.settings || !r.protocol:
	case name == "Type":
		r.imap, r.smtp = r.imap || text == "IMAP", r.smtp || text == "SMTP"
	case name == "Server":
		r.host = text
	case name == "Port" && strings.Trim(text, "0123456789") == "":
		port, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return refuse("%q is not a port", text)
		}
		r.port = int(port)
	}
	return nil
}

func (r *fairemailPOX) end(e *element) {
	r.named = ""
	switch e.name {
	case "Account":
		r.account, r.email, r.settings = false, false, false
	case "Protocol":
		r.keep()
		r.protocol, r.imap, r.smtp, r.host, r.port = false, false, false, "", 0
	}
}

func (r *fairemailPOX) keep() {
	if !r.protocol || r.host == "" || r.port == 0 || !r.imap && !r.smtp {
		return
	}
	kind, standard := "IMAP", 143
	if !r.imap {
		kind, standard = "SMTP", 587
	}
	s := Server{Type: strings.ToLower(kind), Host: r.host, Port: r.port, Security: settings.TLS}
	if r.port == standard {
		s.Security = settings.STARTTLS
	}
	if r.found == nil {
		r.found = map[string]Server{}
	}
	r.found[kind] = s
}
