package reading

import (
	"slices"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// Android reads an autoconfig document as Thunderbird for Android does
// (feature/autodiscovery/autoconfig/.../RealAutoconfigParser.kt): only IMAP, and one
// invalid server of a known type makes it refuse the whole document.
func Android(d Document, person Person) (*Account, error) {
	decoded, err := utf8Text(d.Body) // whatever the declaration says
	if err != nil {
		return nil, err
	}
	root, err := parseXML(strings.TrimPrefix(decoded, "\uFEFF"))
	if err != nil {
		return nil, err
	}
	if root.name != "clientConfig" {
		return nil, refuse("the root element is <%s>, not <clientConfig>", root.name)
	}
	a := android{variables(person)}
	var account *Account
	for _, e := range root.children {
		if e.name == "emailProvider" { // the last one counts
			if account, err = a.provider(e); err != nil {
				return nil, err
			}
		}
	}
	if account == nil {
		return nil, refuse("there is no <emailProvider>")
	}
	return account, nil
}

type android struct{ variables placeholders }

func (a android) provider(provider *element) (*Account, error) {
	i := slices.IndexFunc(provider.attributes, func(a attribute) bool { return a.name == "id" })
	if i < 0 || !IsHost(provider.attributes[i].value) {
		return nil, refuse("the id of <emailProvider> is no host name")
	}
	account := &Account{}
	domain := false
	for _, e := range provider.children {
		switch e.name {
		case "domain":
			text, err := a.text(e)
			if err != nil {
				return nil, err
			}
			domain = domain || IsHost(text)
		case "incomingServer":
			if err := a.server(e, "imap", &account.Incoming); err != nil {
				return nil, err
			}
		case "outgoingServer":
			if err := a.server(e, "smtp", &account.Outgoing); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case !domain:
		return nil, refuse("there is no valid <domain>")
	case account.Incoming.Type == "":
		return nil, refuse("there is no IMAP server")
	case account.Outgoing.Type == "":
		return nil, refuse("there is no outgoing server")
	}
	return account, nil
}

// server reads a server of a type, unless one was read already. Others are skipped.
func (a android) server(e *element, kind string, into *Server) error {
	if !slices.Contains(e.attributes, attribute{"type", kind}) {
		return nil
	}
	s := Server{Type: kind, Port: -1}
	seen := map[string]bool{}
	if err := a.elements(e, &s, seen); err != nil {
		return err
	}
	for _, need := range []string{"hostname", "port", "username", "authentication", "socketType"} {
		if !seen[need] {
			return refuse("<%s>: no usable <%s>", e.name, need)
		}
	}
	if into.Type == "" {
		*into = s
	}
	return nil
}

// elements reads the elements of a server, at any depth.
func (a android) elements(e *element, s *Server, seen map[string]bool) error {
	for _, child := range e.children {
		text, err := a.text(child)
		usable := true
		switch child.name {
		case "hostname":
			s.Host = text
			if err == nil && !IsHost(text) {
				err = refuse("%q is not a host name", text)
			}
		case "port":
			s.Port, usable = decimal(text)
			if err == nil && (!usable || s.Port < 0 || s.Port > 65535) {
				err = refuse("%q is not a port", text)
			}
		case "username":
			s.Username = text
		case "socketType":
			s.Security = map[string]settings.Security{"SSL": settings.TLS, "STARTTLS": settings.STARTTLS}[text]
			if err == nil && s.Security == "" {
				err = refuse("socketType %q", text)
			}
		case "authentication":
			name := map[string]string{"OAuth2": "OAuth2", "password-cleartext": "password", "password-encrypted": "encrypted password"}[text]
			if usable = name != ""; usable && (s.Auth == "" || s.Auth == "OAuth2") {
				s.Auth = name
			}
		default:
			err = a.elements(child, s, seen)
		}
		if err != nil {
			return err
		}
		seen[child.name] = seen[child.name] || usable
	}
	return nil
}

// text returns an element's text unchanged. An element in it is an error.
func (a android) text(e *element) (string, error) {
	if len(e.children) > 0 {
		return "", refuse("<%s> has another element in it", e.name)
	}
	text := e.text
	for _, name := range []string{"%EMAILDOMAIN%", "%EMAILLOCALPART%", "%EMAILADDRESS%"} {
		for _, v := range a.variables {
			if v[0] == name {
				text = strings.ReplaceAll(text, v[0], v[1])
			}
		}
	}
	return text, nil
}

// decimal works like Kotlin's toIntOrNull: no blanks, no fractions.
func decimal(text string) (int, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int(n), err == nil
}

// IsHost works like HostNameUtils.isLegalHostNameOrIP of Thunderbird for Android, for a trimmed text.
func IsHost(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) <= 255 && hostPattern.MatchString(text) && isASCII(text) || isIPv4(text) || isIPv6(text)
}
