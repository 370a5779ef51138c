package reading

import (
	"strconv"
	"strings"

	"autoconfig/settings"
)

// KMail reads an autoconfig document as KMail's account wizard does (src/ispdbservice.cpp,
// src/ispdb/): the first emailProvider at any depth, each server with a port, IMAP before
// POP3 wherever they stand, and of several outgoing servers the one whose security has the
// highest number in its library, which is STARTTLS.
func KMail(d Document, person Person) (*Account, error) {
	decoded, err := decode(d.Body, "")
	if err != nil {
		return nil, err
	}
	root, err := dialect{prefixes: true}.parse(decoded)
	if err != nil {
		return nil, err
	}
	provider := root.below("emailProvider")
	if provider == nil {
		return nil, refuse("there is no <emailProvider>")
	}
	k := &kmail{variables: variables(person)}
	for _, e := range provider.children {
		k.server(e)
	}
	return k.account()
}

type kmail struct {
	variables        placeholders
	imap, pop3, smtp []Server
}

func (k *kmail) server(e *element) {
	lists := map[string]*[]Server{
		"incomingServer imap": &k.imap, "incomingServer pop3": &k.pop3, "outgoingServer smtp": &k.smtp,
	}
	list := lists[e.name+" "+e.kind()]
	if list == nil {
		return
	}
	s := Server{Type: e.kind(), Port: -1, Security: settings.TLS, Auth: "password"}
	for _, child := range e.children {
		text := child.textBelow()
		switch child.name {
		case "hostname":
			s.Host = k.fill(text)
		case "port": // what is no number is 0
			n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
			s.Port = int(n)
		case "socketType":
			if security, known := socketTypes[text]; known {
				s.Security = security
			}
		case "username":
			s.Username = k.fill(text)
		case "authentication":
			// Any other mechanism that follows replaces a password.
			if name := kmailMechanisms[text]; name != "" && s.Auth == "password" {
				s.Auth = name
			}
		}
	}
	if s.Port != -1 {
		*list = append(*list, s)
	}
}

var kmailMechanisms = map[string]string{
	"password-encrypted": "encrypted password", "secure": "encrypted password", "NTLM": "NTLM", "GSSAPI": "GSSAPI",
	"client-ip-based": "none", "none": "none", "OAuth2": "OAuth2",
}

// fill replaces placeholders in turn.
func (k *kmail) fill(text string) string {
	for _, i := range []int{1, 0, 2} { // the local part, the address, the domain
		text = strings.ReplaceAll(text, k.variables[i][0], k.variables[i][1])
	}
	return text
}

func (k *kmail) account() (*Account, error) {
	incoming := append(append([]Server{}, k.imap...), k.pop3...)
	if len(incoming) == 0 {
		return nil, refuse("there is neither an IMAP nor a POP3 server with a port")
	}
	a := &Account{Incoming: incoming[0]}
	if len(incoming) > 1 {
		a.Others = incoming[1:]
	}
	rank := map[settings.Security]int{settings.None: 0, settings.TLS: 1, settings.STARTTLS: 2}
	for i, s := range k.smtp {
		if i == 0 || rank[s.Security] > rank[a.Outgoing.Security] {
			a.Outgoing = s
		}
	}
	if a.Outgoing.Type != "" && a.Outgoing.Username == "" {
		a.Outgoing.Auth = "none"
	}
	return a, nil
}
