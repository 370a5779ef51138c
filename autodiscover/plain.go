package autodiscover

import (
	"bytes"
	"strings"
)

// readPlain reads a request as mail programs write them: a declaration of UTF-8 if any, and
// elements with plain ASCII text, without references, comments, CDATA, prefixes or mixed
// content. It costs a twentieth of building a tree.
//
// It decides nothing by itself. Whatever it doesn't know, and whatever is to be refused, it
// leaves to the reader of [ParseRequest], which reads all of XML; what it does read, it reads
// as that one does (FuzzReadPlain).
func readPlain(body []byte) (r Request, ok bool) {
	p := plainReader{rest: body}
	p.skip("\uFEFF") // as .NET writes it
	p.blanks()
	if p.skip("<?xml") && !p.declaration() {
		return Request{}, false
	}
	p.blanks()
	if !p.open("autodiscover") {
		return Request{}, false
	}
	p.blanks()
	if !p.open("request") {
		return Request{}, false
	}
	for {
		p.blanks()
		if bytes.HasPrefix(p.rest, []byte("</")) {
			break
		}
		if !p.field(&r) {
			return Request{}, false
		}
	}
	ends := p.close()
	p.blanks()
	ends = ends && p.close()
	p.blanks()
	return r, ends && len(p.rest) == 0 && (r.Address != "" || r.LegacyDN)
}

// plainReader goes through a request. Its methods tell whether what they are for came next.
type plainReader struct {
	rest []byte
	// names are those of the open elements, as they were written: an end tag must have the
	// same letter case.
	names [3][]byte
	depth int
}

func (p *plainReader) blanks() {
	for len(p.rest) > 0 && isBlank(p.rest[0]) {
		p.rest = p.rest[1:]
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (p *plainReader) skip(text string) bool {
	if len(p.rest) < len(text) || string(p.rest[:len(text)]) != text {
		return false
	}
	p.rest = p.rest[len(text):]
	return true
}

// declaration is the rest of an XML declaration. One of another encoding isn't plain.
func (p *plainReader) declaration() bool {
	for {
		spaced := p.spaced()
		if p.skip("?>") {
			return true
		}
		name := p.name()
		value, ok := p.value(isWordCharacter)
		if !spaced || !ok {
			return false
		}
		switch string(name) {
		case "version", "standalone":
		case "encoding":
			if !strings.EqualFold(string(value), "utf-8") {
				return false
			}
		default:
			return false
		}
	}
}

// spaced passes over blanks, of which there must be one.
func (p *plainReader) spaced() bool {
	before := len(p.rest)
	p.blanks()
	return len(p.rest) < before
}

// name is letters and digits; empty if there is none.
func (p *plainReader) name() []byte {
	n := 0
	for n < len(p.rest) && (isLetter(p.rest[n]) || n > 0 && isDigit(p.rest[n])) {
		n++
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func isWordCharacter(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '.' }

// isPlain tells whether a character stands for itself, wherever it is: no control character,
// markup, reference, or end of a CDATA section.
func isPlain(c byte) bool { return c >= ' ' && c < 0x7F && c != '<' && c != '&' && c != ']' }

// value is an attribute's, behind an equals sign and in quotes.
func (p *plainReader) value(of func(byte) bool) (value []byte, ok bool) {
	if !p.skip("=") || len(p.rest) == 0 || p.rest[0] != '"' && p.rest[0] != '\'' {
		return nil, false
	}
	for i, c := range p.rest[1:] {
		if c == p.rest[0] {
			value, p.rest = p.rest[1:1+i], p.rest[i+2:]
			return value, true
		}
		if !of(c) {
			break
		}
	}
	return nil, false
}

// attribute is one that nobody looks at.
func (p *plainReader) attribute() bool {
	if len(p.name()) == 0 || p.skip(":") && len(p.name()) == 0 {
		return false
	}
	_, ok := p.value(isPlain)
	return ok
}

// open is a start tag of that name in any letter case; any name if it is "".
func (p *plainReader) open(name string) bool {
	if !p.skip("<") {
		return false
	}
	written := p.name()
	if len(written) == 0 || name != "" && !strings.EqualFold(string(written), name) {
		return false
	}
	for {
		spaced := p.spaced()
		if p.skip(">") {
			break
		}
		if !spaced || !p.attribute() {
			return false
		}
	}
	p.names[p.depth] = written
	p.depth++
	return true
}

// close is the end tag of the innermost open element.
func (p *plainReader) close() bool {
	if !p.skip("</") || !bytes.HasPrefix(p.rest, p.names[p.depth-1]) {
		return false
	}
	p.rest = p.rest[len(p.names[p.depth-1]):]
	p.blanks()
	p.depth--
	return p.skip(">")
}

// field is an element in a Request with nothing but text in it.
func (p *plainReader) field(r *Request) bool {
	if !p.open("") {
		return false
	}
	p.blanks()
	n := 0
	for n < len(p.rest) && isPlain(p.rest[n]) {
		n++
	}
	text := bytes.TrimRight(p.rest[:n], " ")
	p.rest = p.rest[n:]
	p.blanks()
	tag := p.names[p.depth-1]
	if !p.close() {
		return false
	}
	switch name := string(tag); {
	case strings.EqualFold(name, "emailaddress"):
		if r.Address != "" {
			return false
		}
		r.Address = string(text)
	case strings.EqualFold(name, "acceptableresponseschema"):
		schema := OutlookSchema
		if string(text) != schema {
			schema = string(text)
		}
		r.Schemas = append(r.Schemas, schema)
	case strings.EqualFold(name, "legacydn"):
		r.LegacyDN = true
	}
	return true
}
