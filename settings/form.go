package settings

import (
	"bytes"
	"errors"
)

// Form is a document rendered once for an offer and a decision, with holes where
// the parts stand that differ from one domain or address to the next. Filling it
// in is a copy: no document tree is built for a request.
//
// Renderers make one by rendering the Settings that [Settings.WithHoles] gives,
// so that a form and a document can't differ.
type Form struct {
	pieces [][]byte // the text between the holes
	holes  []rune   // holes[i] stands behind pieces[i]
}

// The holes, as they stand in the strings of Settings.WithHoles. They are from
// Unicode's private use area, which no address and no text of ours may contain.
const (
	holeLocal    = '\uE000'
	holeDomain   = '\uE001'
	holeIncoming = '\uE002'
	holeOutgoing = '\uE003'
	holeService  = '\uE004'
	holeAsked    = '\uE005'
	holeName     = '\uE006'
	holeShort    = '\uE007'
	lastHole     = holeShort
)

var errHoles = errors.New("settings: a private-use character in a rendered document")

// Shape is all that decides the documents of one offer in one format; what else
// differs between two Settings goes into the holes. Shapes can be compared.
type Shape struct {
	format    string
	addressed bool
	protocol  Protocol
	pop3      Retention
	rule      string // a rule may name other servers
}

// Shape is that of the document for s in a format.
func (s *Settings) Shape(format string) Shape {
	return Shape{format, !s.Typed.IsZero(), s.Decision.Protocol, s.Decision.POP3, s.Decision.Rule}
}

// WithHoles is s with all that goes into holes replaced by them, for [NewForm]: the
// domain, the provider's names, the typed address and the literal logins. A
// format that writes anything else in their place must have put it there before.
func (s Settings) WithHoles() Settings {
	s.Domain = string(holeAsked)
	s.Provider.Name, s.Provider.ShortName = string(holeName), string(holeShort)
	s.Typed = Address{local: string(holeLocal), domain: string(holeDomain)}
	s.IncomingLogin.Literal = string(holeIncoming)
	s.OutgoingLogin.Literal = string(holeOutgoing)
	s.ServiceLogin.Literal = string(holeService)
	return s
}

// NewForm cuts a document that was rendered from Settings.WithHoles at its holes.
func NewForm(document []byte) (*Form, error) {
	form := &Form{}
	for {
		i := bytes.IndexFunc(document, func(r rune) bool { return r >= holeLocal && r <= '\uF8FF' })
		if i < 0 {
			form.pieces = append(form.pieces, document)
			return form, nil
		}
		hole := []rune(string(document[i : i+3]))[0]
		if hole > lastHole {
			return nil, errHoles
		}
		form.pieces = append(form.pieces, document[:i])
		form.holes = append(form.holes, hole)
		document = document[i+3:]
	}
}

// Size is about how many bytes the form takes in memory.
func (f *Form) Size() int {
	size := 128
	for _, piece := range f.pieces {
		size += len(piece) + 32
	}
	return size
}

// Fill writes the document for s. escape appends a text to dst in the document's
// escaping. A form without holes is returned as it is: callers must not change
// the bytes.
func (f *Form) Fill(s *Settings, escape func(dst []byte, text string) []byte) []byte {
	if len(f.holes) == 0 {
		return f.pieces[0]
	}
	size := 256
	for _, piece := range f.pieces {
		size += len(piece)
	}
	out := make([]byte, 0, size)
	for i, hole := range f.holes {
		out = append(out, f.pieces[i]...)
		out = escape(out, s.hole(hole))
	}
	return append(out, f.pieces[len(f.holes)]...)
}

func (s *Settings) hole(hole rune) string {
	switch hole {
	case holeLocal:
		return s.Typed.local
	case holeDomain:
		return s.Typed.domain
	case holeIncoming:
		return s.IncomingLogin.Literal
	case holeService:
		return s.ServiceLogin.Literal
	case holeAsked:
		return s.Domain
	case holeName:
		return s.Provider.Name
	case holeShort:
		return s.Provider.ShortName
	default:
		return s.OutgoingLogin.Literal
	}
}

// EscapeXML appends text as XML character data, in the way of etree.
func EscapeXML(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '\'':
			dst = append(dst, "&apos;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
