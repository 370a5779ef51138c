package reading

import (
	"strconv"
	"strings"

	"autoconfig/settings"
)

// Outlook reads an Autodiscover answer by the rules that Microsoft publishes for it: the
// POX Autodiscover reference, MS-OXDSCLI, and the schema in "Plan to automatically configure
// user accounts in Outlook 2010". Outlook itself isn't run, so this knows nothing beyond
// these pages. A missing element has the default that they give.
func Outlook(d Document, person Person) (*Account, Redirect, error) {
	decoded, err := decode(d.Body, "")
	if err != nil {
		return nil, Redirect{}, err
	}
	root, err := parseXML(decoded)
	if err != nil {
		return nil, Redirect{}, err
	}
	account, err := outlookAccount(root)
	if err != nil {
		return nil, Redirect{}, err
	}
	if to, ok, err := outlookRedirect(account); ok || err != nil {
		return nil, to, err
	}
	a := &Account{}
	var reason error
	for _, e := range account.children {
		if local(e.name) != "Protocol" {
			continue
		}
		s, ok, err := outlookServer(e, person)
		switch {
		case err != nil:
			reason = err
		case !ok:
		case s.Type == "smtp":
			if a.Outgoing.Type == "" {
				a.Outgoing = s
			}
		case a.Incoming.Type == "":
			a.Incoming = s
		default:
			a.Others = append(a.Others, s)
		}
	}
	switch {
	case a.Incoming.Type == "" && reason != nil:
		return nil, Redirect{}, reason
	case a.Incoming.Type == "":
		return nil, Redirect{}, refuse("there is neither IMAP nor POP3 in it")
	case a.Outgoing.Type == "":
		return nil, Redirect{}, refuse("there is no SMTP in it")
	}
	return a, Redirect{}, nil
}

// local returns a name without its prefix.
func local(name string) string {
	_, after, ok := strings.Cut(name, ":")
	if !ok {
		return name
	}
	return after
}

// says returns the trimmed text of an element, and whether there is such an element.
func (e *element) says(name string) (string, bool) {
	for _, c := range e.children {
		if local(c.name) == name {
			return strings.TrimSpace(c.text), true
		}
	}
	return "", false
}

func outlookAccount(root *element) (*element, error) {
	if local(root.name) != "Autodiscover" {
		return nil, refuse("the root element is <%s>, not <Autodiscover>", root.name)
	}
	at := root
	for _, name := range []string{"Response", "Account"} {
		var inner *element
		for _, c := range at.children {
			if inner == nil && local(c.name) == name {
				inner = c
			}
			if local(c.name) == "Error" {
				code, _ := c.says("ErrorCode")
				return nil, refuse("error %s", code)
			}
		}
		if inner == nil {
			return nil, refuse("there is no <%s>", name)
		}
		at = inner
	}
	// MS-OXDSCLI, section 2.2.4.1.1.2.1
	if kind, ok := at.says("AccountType"); !ok || kind != "email" {
		return nil, refuse("AccountType must be email (%s)", strconv.Quote(kind))
	}
	return at, nil
}

// outlookRedirect returns where an answer redirects Outlook (MS-OXDSCLI, section 3.1.5.4).
func outlookRedirect(account *element) (Redirect, bool, error) {
	switch action, _ := account.says("Action"); action {
	case "settings":
		return Redirect{}, false, nil
	case "redirectUrl":
		to, _ := account.says("RedirectUrl")
		if !strings.HasPrefix(to, "https://") && !strings.HasPrefix(to, "http://") {
			return Redirect{}, false, refuse("RedirectUrl %q is not a URL", to)
		}
		return Redirect{URL: to}, true, nil
	case "redirectAddr":
		to, _ := account.says("RedirectAddr")
		if !redirectAddress.MatchString(to) {
			return Redirect{}, false, refuse("RedirectAddr %q is not an address", to)
		}
		return Redirect{Address: to}, true, nil
	default:
		return Redirect{}, false, refuse("Action must be settings, redirectUrl or redirectAddr (%q)", action)
	}
}

// outlookServer reads a Protocol; false for another type.
func outlookServer(e *element, person Person) (Server, bool, error) {
	kind, _ := e.says("Type")
	if kind != "IMAP" && kind != "POP3" && kind != "SMTP" {
		return Server{}, false, nil
	}
	s := Server{Type: strings.ToLower(kind), Security: settings.TLS, Auth: "password"}
	var ok bool
	if s.Host, ok = e.says("Server"); !ok || !IsHost(s.Host) {
		return s, false, refuse("%s: %q is not a host name", kind, s.Host)
	}
	if port, ok := e.says("Port"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return s, false, refuse("%s: %q is not a port", kind, port)
		}
		s.Port = int(n)
	}
	if err := s.outlookSecurity(e, kind); err != nil {
		return s, false, err
	}
	// Without LoginName, the login is the local part of the address.
	s.Username, _, _ = strings.Cut(person.Email, "@")
	if login, ok := e.says("LoginName"); ok && login != "" {
		s.Username = login
	}
	// A missing SPA means on: Windows' own sign-in, NTLM.
	if spa, ok := e.says("SPA"); !ok || !strings.EqualFold(spa, "off") {
		s.Auth = "NTLM"
	}
	if required, _ := e.says("AuthRequired"); s.Type == "smtp" && strings.EqualFold(required, "off") {
		s.Auth, s.Username = "none", ""
	}
	return s, true, nil
}

// outlookSecurity reads SSL, which is on if it is missing, and Encryption, which none of the
// existing pages describes; its values explain themselves.
func (s *Server) outlookSecurity(e *element, kind string) error {
	switch ssl, ok := e.says("SSL"); {
	case ok && ssl == "": // reported to break the account: virtualmin/virtualmin-gpl#1184
		return refuse("%s: SSL is empty", kind)
	case strings.EqualFold(ssl, "off"):
		s.Security = settings.None
	}
	switch encryption, _ := e.says("Encryption"); strings.ToLower(encryption) {
	case "ssl":
		s.Security = settings.TLS
	case "tls":
		s.Security = settings.STARTTLS
	case "none":
		s.Security = settings.None
	}
	return nil
}
