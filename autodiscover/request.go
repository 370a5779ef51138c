package autodiscover

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// MaxBody is the largest request that is read, in bytes. Real ones have less than
// 2 kB; reading hostile ones takes up to 200 times their size in memory.
const MaxBody = 16 << 10

// Why a request isn't read.
var (
	ErrTooLarge  = errors.New("the request is larger than 16 KiB")
	ErrMalformed = errors.New("not an Autodiscover request")
)

// The answers that clients ask for.
const (
	OutlookSchema    = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	MobileSyncSchema = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
)

// Request is what a client asks.
type Request struct {
	// Address is as the client wrote it; it is yet to be parsed.
	Address string
	// Schemas are the kinds of answers that it accepts.
	Schemas []string
	// LegacyDN says that it names the account by a distinguished name, which then
	// counts instead of the address (MS-OXDSCLI, section 3.2.5).
	LegacyDN bool
}

// WantsOutlook tells whether the client accepts the answer that we can give. A
// request that names no schema is taken for one that does.
func (r Request) WantsOutlook() bool {
	return len(r.Schemas) == 0 || slices.ContainsFunc(r.Schemas, func(s string) bool {
		// Microsoft's pages have the URIs with https since the site itself has moved there,
		// and people copy them (learn.microsoft.com, "POX Autodiscover request for Exchange").
		if rest, found := cutPrefixFold(s, "https://"); found {
			s = "http://" + rest
		}
		return strings.EqualFold(s, OutlookSchema)
	})
}

func cutPrefixFold(text, prefix string) (rest string, found bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// ParseRequest reads a posted request. Errors are [ErrTooLarge] and
// [ErrMalformed]; the latter also for any document type declaration, before a
// tree is built.
//
// The reader is permissive: Thunderbird puts the address into its request without
// escaping, so that a&b@example.com arrives as it is.
func ParseRequest(body []byte) (Request, error) {
	if len(body) > MaxBody {
		return Request{}, ErrTooLarge
	}
	if r, ok := readPlain(body); ok {
		return r, nil
	}
	return readTree(body)
}

// readTree reads whatever is XML.
func readTree(body []byte) (Request, error) {
	text, err := utf8Text(body)
	if err != nil {
		return Request{}, err
	}
	if hasDeclaration(text) {
		return Request{}, fmt.Errorf("%w: it has a document type declaration", ErrMalformed)
	}
	doc := etree.NewDocument()
	doc.ReadSettings.Permissive = true
	if err := doc.ReadFromBytes(text); err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	root, err := onlyRoot(doc)
	if err != nil {
		return Request{}, err
	}
	request, several := child(root, "Request")
	if several {
		return Request{}, fmt.Errorf("%w: it has several Requests", ErrMalformed)
	}
	if !strings.EqualFold(root.Tag, "Autodiscover") || request == nil {
		return Request{}, fmt.Errorf("%w: there is no Request in an Autodiscover", ErrMalformed)
	}
	return readRequest(request)
}

func readRequest(request *etree.Element) (Request, error) {
	var r Request
	for _, e := range request.ChildElements() {
		text := strings.Trim(e.Text(), " \t\r\n")
		switch strings.ToLower(e.Tag) {
		case "emailaddress":
			if r.Address != "" {
				return Request{}, fmt.Errorf("%w: it has two addresses", ErrMalformed)
			}
			r.Address = text
		case "acceptableresponseschema":
			r.Schemas = append(r.Schemas, text)
		case "legacydn":
			r.LegacyDN = true
		}
	}
	if r.Address == "" && !r.LegacyDN {
		return Request{}, fmt.Errorf("%w: it has no address", ErrMalformed)
	}
	return r, nil
}

// hasDeclaration finds <!DOCTYPE, <!ENTITY and their like. Comments and CDATA
// sections are the only other things that begin with <! (and what they hold may
// look like a declaration: such a request is refused as well).
func hasDeclaration(body []byte) bool {
	for {
		i := bytes.Index(body, []byte("<!"))
		if i < 0 {
			return false
		}
		body = body[i+2:]
		if !bytes.HasPrefix(body, []byte("--")) && !bytes.HasPrefix(body, []byte("[CDATA[")) {
			return true
		}
	}
}

// onlyRoot is the root element. etree accepts several, and text beside it.
func onlyRoot(doc *etree.Document) (*etree.Element, error) {
	elements := doc.ChildElements()
	if len(elements) != 1 {
		return nil, fmt.Errorf("%w: it has %d root elements", ErrMalformed, len(elements))
	}
	return elements[0], nil
}

// child is the child element of that name, whatever its prefix and letter case,
// and whether there is more than one.
func child(e *etree.Element, tag string) (found *etree.Element, several bool) {
	for _, c := range e.ChildElements() {
		if strings.EqualFold(c.Tag, tag) {
			found, several = c, found != nil
		}
	}
	return found, several
}
