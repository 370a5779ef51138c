package autodiscover

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// ErrResponse is returned for what isn't a reply.
var ErrResponse = errors.New("not an Autodiscover reply")

// MaxResponse is the largest reply that is read, in bytes.
const MaxResponse = 256 << 10

// Response is everything that a reply says, as it says it.
type Response struct {
	DisplayName                      string
	AccountType, Action              string
	RedirectAddr, RedirectURL        string
	Protocols                        []Protocol
	Error                            *Error
	RootNamespace, ResponseNamespace string
}

// Protocol is a server as the reply writes it.
type Protocol struct {
	Type, Server, Port, LoginName        string
	DomainRequired, SPA, SSL, Encryption string
	AuthRequired, UsePOPAuth, SMTPLast   string
	Unknown                              []string
}

// Error is the error that a reply is.
type Error struct {
	Code    ErrorCode
	Message string
}

// ParseResponse reads a reply. It refuses document type declarations, more than
// one root and replies over [MaxResponse].
func ParseResponse(data []byte) (*Response, error) {
	if len(data) > MaxResponse {
		return nil, fmt.Errorf("%w: it is larger than 256 KiB", ErrResponse)
	}
	if hasDeclaration(data) {
		return nil, fmt.Errorf("%w: it has a document type declaration", ErrResponse)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(bytes.TrimPrefix(data, []byte("\uFEFF"))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	root, err := onlyRoot(doc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	// Names are compared as clients do it: without prefixes, in this letter case.
	response := root.SelectElement("Response")
	if root.Tag != "Autodiscover" || response == nil {
		return nil, fmt.Errorf("%w: there is no Response in an Autodiscover", ErrResponse)
	}
	r := &Response{RootNamespace: root.NamespaceURI(), ResponseNamespace: response.NamespaceURI()}
	if e := response.SelectElement("Error"); e != nil {
		code, err := strconv.Atoi(text(e, "ErrorCode"))
		if err != nil {
			return nil, fmt.Errorf("%w: its error has no code", ErrResponse)
		}
		r.Error = &Error{ErrorCode(code), text(e, "Message")}
		return r, nil
	}
	return r, r.readAccount(response)
}

func (r *Response) readAccount(response *etree.Element) error {
	if user := response.SelectElement("User"); user != nil {
		r.DisplayName = text(user, "DisplayName")
	}
	account := response.SelectElement("Account")
	if account == nil {
		return fmt.Errorf("%w: there is neither an Account nor an Error", ErrResponse)
	}
	r.AccountType, r.Action = text(account, "AccountType"), text(account, "Action")
	r.RedirectAddr, r.RedirectURL = text(account, "RedirectAddr"), text(account, "RedirectUrl")
	for _, e := range account.SelectElements("Protocol") {
		r.Protocols = append(r.Protocols, readProtocol(e))
	}
	if len(r.Protocols) == 0 && r.RedirectAddr == "" && r.RedirectURL == "" {
		return fmt.Errorf("%w: its Account has no Protocol", ErrResponse)
	}
	return nil
}

func readProtocol(e *etree.Element) Protocol {
	var p Protocol
	fields := map[string]*string{
		"Type": &p.Type, "Server": &p.Server, "Port": &p.Port, "LoginName": &p.LoginName,
		"DomainRequired": &p.DomainRequired, "SPA": &p.SPA, "SSL": &p.SSL, "Encryption": &p.Encryption,
		"AuthRequired": &p.AuthRequired, "UsePOPAuth": &p.UsePOPAuth, "SMTPLast": &p.SMTPLast,
	}
	for _, c := range e.ChildElements() {
		if field, known := fields[c.Tag]; known {
			*field = strings.TrimSpace(c.Text())
		} else {
			p.Unknown = append(p.Unknown, c.Tag)
		}
	}
	return p
}

func text(parent *etree.Element, tag string) string {
	if e := parent.SelectElement(tag); e != nil {
		return strings.TrimSpace(e.Text())
	}
	return ""
}
