package settings

import (
	"bytes"
	"errors"
)

// Form is a document rendered once for a domain and a decision, with holes where
// the parts stand that differ from one address to the next. Filling it in is a
// copy: no document tree is built for a request.
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
)

var errHoles = errors.New("settings: a private-use character in a rendered document")

// WithHoles is s with the typed address and the literal logins replaced by holes
// for [NewForm]. Patterns, and all else that decides the document's shape, stay.
func (s Settings) WithHoles() Settings {
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
		if hole > holeService {
			return nil, errHoles
		}
		form.pieces = append(form.pieces, document[:i])
		form.holes = append(form.holes, hole)
		document = document[i+3:]
	}
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
