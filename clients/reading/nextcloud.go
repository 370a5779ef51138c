package reading

import (
	"strconv"
	"strings"

	"autoconfig/settings"
)

// Nextcloud reads an autoconfig document as Nextcloud Mail does
// (lib/Service/AutoConfig/IspDb.php): the first emailProvider below any root, and in it the
// first IMAP and the first SMTP server, whatever they contain. It ignores authentication,
// and takes an unknown socketType for plaintext.
func Nextcloud(d Document, person Person) (*Account, error) {
	decoded, err := decode(d.Body, "")
	if err != nil {
		return nil, err
	}
	root, err := dialect{prefixes: true}.parse(decoded)
	if err != nil {
		return nil, err
	}
	provider := root.child("emailProvider")
	if provider == nil {
		return nil, refuse("there is no <emailProvider>")
	}
	n := nextcloud{variables(person)}
	a := &Account{
		Incoming: n.first(provider, "incomingServer", "imap"), Outgoing: n.first(provider, "outgoingServer", "smtp"),
	}
	switch {
	case a.Incoming.Type == "" && a.Outgoing.Type == "":
		return nil, refuse("there is neither an IMAP nor an SMTP server")
	case a.Incoming.Type == "":
		return nil, errNoIncoming
	case a.Outgoing.Type == "":
		return nil, errNoOutgoing
	}
	return a, nil
}

// Answers that Nextcloud Mail accepts, but can't make an account of.
var errNoIncoming, errNoOutgoing = refuse("there is no IMAP server"), refuse("there is no outgoing server")

type nextcloud struct{ variables placeholders }

func (n nextcloud) first(provider *element, name, kind string) Server {
	for _, e := range provider.children {
		if e.name == name && e.kind() == kind {
			return n.server(e, kind)
		}
	}
	return Server{}
}

func (n nextcloud) server(e *element, kind string) Server {
	text := func(name string) string {
		if child := e.child(name); child != nil {
			return child.text
		}
		return ""
	}
	s := Server{
		Type: kind, Host: trim(text("hostname")), Port: phpInteger(text("port")),
		Security: nextcloudSecurities[strings.ToLower(text("socketType"))],
		Username: text("username"),
	}
	if s.Security == "" {
		s.Security = settings.None
	}
	for _, v := range n.variables[:3] { // not the person's name
		s.Username = strings.ReplaceAll(s.Username, v[0], v[1])
	}
	return s
}

var nextcloudSecurities = map[string]settings.Security{
	"ssl": settings.TLS, "starttls": settings.STARTTLS, "tls": settings.STARTTLS,
}

// phpInteger works like PHP's (int): it parses the number at the beginning, or 0.
func phpInteger(text string) int {
	text = strings.TrimLeft(text, " \t\n\r\v\f")
	end := 0
	for i := range text {
		_, err := strconv.ParseFloat(text[:i+1], 64)
		if err == nil && strings.Trim(text[:i+1], "0123456789.eE+-") == "" {
			end = i + 1
		}
		if i > 40 {
			break
		}
	}
	n, _ := strconv.ParseFloat(text[:end], 64)
	if n != n || n > 1<<31 || n < -(1<<31) {
		return 0
	}
	return int(n)
}
