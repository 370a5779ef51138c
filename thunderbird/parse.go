package thunderbird

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
	"golang.org/x/net/html/charset"
)

// MaxConfig is the largest document that is read, in bytes.
const MaxConfig = 256 << 10

// Why a document isn't read.
var (
	ErrTooLarge  = errors.New("the document is larger than 256 KiB")
	ErrNotConfig = errors.New("not an autoconfig document")
)

// Config is everything that a published document says, in its order.
type Config struct {
	Version, ID      string
	Domains          []Domain
	DisplayName      string
	DisplayShortName string
	Incoming         []Server
	Outgoing         []Server
	Documentation    []Documentation
	Enable           []Documentation // what the person must do first, with the page that says how
	Services         []Service       // calendar, addressbook, fileShare, setupServer and the like
	Webmail          string          // URL of the login page
	OAuth2           *OAuth2
	Unknown          []string // names of elements that this reader has no place for
	ProvidersIgnored int      // readers take only the first emailProvider
}

// Domain is one that the document is valid for.
type Domain struct{ Name, Purpose string }

// Server is a mail server as the document writes it. Lists hold what a client
// may choose from.
type Server struct {
	Type           string
	Hostname, Port string
	SocketTypes    []string
	Authentication []string
	Username       string
	URL            string
	Leave, Days    string // of a pop3 element
	Restrictions   []string
	Unknown        []string
}

// Service is something beside mail.
type Service struct {
	Element string // calendar, addressbook ...
	Server
}

// Documentation is a page with its descriptions by language.
type Documentation struct {
	URL   string
	Texts []Text
}

// Text is a text in a language, "" where the document doesn't say.
type Text struct{ Language, Text string }

// OAuth2 is where tokens come from.
type OAuth2 struct{ Issuer, Scope, AuthURL, TokenURL, ClientID string }

// Parse reads a published document and keeps what it says. It refuses document
// type declarations, more than one root and documents over [MaxConfig].
func Parse(data []byte) (*Config, error) {
	if len(data) > MaxConfig {
		return nil, ErrTooLarge
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		return charset.NewReaderLabel(label, input)
	}
	if err := doc.ReadFromBytes(bytes.TrimPrefix(data, []byte("\uFEFF"))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotConfig, err)
	}
	roots := 0
	for _, token := range doc.Child {
		switch token.(type) {
		case *etree.Directive: // etree takes a DOCTYPE and hands it on
			return nil, fmt.Errorf("%w: it has a document type declaration", ErrNotConfig)
		case *etree.Element:
			roots++
		}
	}
	root := doc.Root()
	if roots != 1 || root.Tag != "clientConfig" {
		return nil, fmt.Errorf("%w: the root element is not clientConfig", ErrNotConfig)
	}
	if root.SelectElement("emailProvider") == nil {
		return nil, fmt.Errorf("%w: there is no emailProvider", ErrNotConfig)
	}
	c := &Config{Version: root.SelectAttrValue("version", "")}
	c.readRoot(root)
	return c, nil
}

func (c *Config) readRoot(root *etree.Element) {
	providers := 0
	for _, e := range root.ChildElements() {
		switch e.Tag {
		case "emailProvider":
			if providers++; providers == 1 {
				c.readProvider(e)
			}
		case "webMail":
			if page := e.SelectElement("loginPage"); page != nil {
				c.Webmail = page.SelectAttrValue("url", "")
			}
		case "oAuth2":
			c.OAuth2 = readOAuth2(e)
		case "calendar", "addressbook", "addressBook", "fileShare", "chatServer", "videoConference", "setupServer":
			c.Services = append(c.Services, Service{e.Tag, readServer(e)})
		default:
			c.readAnywhere(e)
		}
	}
	c.ProvidersIgnored = max(0, providers-1)
}

func (c *Config) readProvider(provider *etree.Element) {
	c.ID = provider.SelectAttrValue("id", "")
	for _, e := range provider.ChildElements() {
		switch e.Tag {
		case "domain":
			c.Domains = append(c.Domains, Domain{text(e), e.SelectAttrValue("purpose", "")})
		case "displayName":
			c.DisplayName = text(e)
		case "displayShortName":
			c.DisplayShortName = text(e)
		case "incomingServer":
			c.Incoming = append(c.Incoming, readServer(e))
		case "outgoingServer":
			c.Outgoing = append(c.Outgoing, readServer(e))
		default:
			c.readAnywhere(e)
		}
	}
}

// readAnywhere takes what real documents have both inside and outside of
// emailProvider.
func (c *Config) readAnywhere(e *etree.Element) {
	switch e.Tag {
	case "documentation":
		c.Documentation = append(c.Documentation, readDocumentation(e, "url", "descr"))
	case "enable":
		c.Enable = append(c.Enable, readDocumentation(e, "visiturl", "instruction"))
	default:
		c.Unknown = append(c.Unknown, e.Tag)
	}
}

func readServer(e *etree.Element) Server {
	s := Server{Type: e.SelectAttrValue("type", "")}
	for _, child := range e.ChildElements() {
		switch child.Tag {
		case "hostname":
			s.Hostname = text(child)
		case "port":
			s.Port = text(child)
		case "socketType":
			s.SocketTypes = append(s.SocketTypes, text(child))
		case "authentication":
			s.Authentication = append(s.Authentication, text(child))
		case "username":
			s.Username = child.Text()
		case "url", "ewsURL":
			s.URL = text(child)
		case "pop3":
			s.Leave, s.Days = childText(child, "leaveMessagesOnServer"), childText(child, "daysToLeaveMessagesOnServer")
		case "restriction":
			s.Restrictions = append(s.Restrictions, text(child))
		default:
			s.Unknown = append(s.Unknown, child.Tag)
		}
	}
	return s
}

func readDocumentation(e *etree.Element, url, texts string) Documentation {
	d := Documentation{URL: e.SelectAttrValue(url, "")}
	for _, child := range e.SelectElements(texts) {
		d.Texts = append(d.Texts, Text{child.SelectAttrValue("lang", ""), text(child)})
	}
	return d
}

func readOAuth2(e *etree.Element) *OAuth2 {
	return &OAuth2{
		Issuer: childText(e, "issuer"), Scope: childText(e, "scope"),
		AuthURL: childText(e, "authURL"), TokenURL: childText(e, "tokenURL"), ClientID: childText(e, "clientID"),
	}
}

func childText(e *etree.Element, tag string) string {
	if child := e.SelectElement(tag); child != nil {
		return text(child)
	}
	return ""
}

func text(e *etree.Element) string { return strings.TrimSpace(e.Text()) }
