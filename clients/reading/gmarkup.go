package reading

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// GMarkup is GLib's reader, which Evolution uses: it knows no encodings, document types
// entities of its own or byte order marks, and passes over comments and CDATA sections, which cut a text
// in two (glib/gmarkup.c).
type gmarkup struct {
	rest  []byte
	stack []string
	// what is called for each part
	start func(element string, attributes []attribute) error
	end   func(element string)
	text  func(element, text string)
}

var errUnclosed = malformed("an element isn't closed")

func (g *gmarkup) parse(body []byte) error {
	g.rest = body
	empty := true
	for {
		if len(g.stack) == 0 {
			g.blanks()
			if len(g.rest) == 0 {
				break
			}
			if g.rest[0] != '<' {
				return malformed("a text outside of all elements")
			}
		} else if err := g.readText(); err != nil {
			return err
		}
		empty = false
		g.rest = g.rest[1:]
		if err := g.markup(); err != nil {
			return err
		}
	}
	if empty {
		return malformed("it is empty")
	}
	return nil
}

func (g *gmarkup) current() string { return g.stack[len(g.stack)-1] }

// readText hands on what stands before the next tag, even if that is nothing.
func (g *gmarkup) readText() error {
	end := bytes.IndexByte(g.rest, '<')
	if end < 0 {
		return errUnclosed
	}
	text, err := unescape(string(g.rest[:end]), false)
	if err != nil {
		return err
	}
	g.rest = g.rest[end:]
	g.text(g.current(), text)
	return nil
}

// markup reads what follows a <.
func (g *gmarkup) markup() error {
	switch {
	case len(g.rest) == 0:
		return malformed("it ends after a <")
	case g.rest[0] == '?', g.rest[0] == '!':
		return g.passThrough()
	case g.rest[0] == '/':
		return g.closeTag()
	case endsName(g.rest[0]):
		return malformed("a < without a name")
	}
	return g.openTag()
}

// passThrough skips a comment, an instruction, a CDATA section or a document type.
func (g *gmarkup) passThrough() error {
	balance := 1
	for i, c := range g.rest {
		switch c {
		case '<':
			balance++
		case '>':
			balance--
			inside := g.rest[:i]
			if inside[0] == '?' && inside[i-1] == '?' ||
				bytes.HasPrefix(inside, []byte("!--")) && bytes.HasSuffix(inside, []byte("--")) ||
				bytes.HasPrefix(inside, []byte("![CDATA[")) && bytes.HasSuffix(inside, []byte("]]")) ||
				bytes.HasPrefix(inside, []byte("!DOCTYPE")) && balance == 0 {
				g.rest = g.rest[i+1:]
				return nil
			}
		}
	}
	return malformed("it ends within a comment or an instruction")
}

func (g *gmarkup) closeTag() error {
	g.rest = g.rest[1:]
	if len(g.rest) == 0 || endsName(g.rest[0]) {
		return malformed("a </ without a name")
	}
	name := g.name()
	g.blanks()
	if len(g.rest) == 0 || g.rest[0] != '>' || len(g.stack) == 0 || g.current() != name {
		return malformed("</" + name)
	}
	g.rest = g.rest[1:]
	g.pop()
	return nil
}

func (g *gmarkup) pop() {
	g.end(g.current())
	g.stack = g.stack[:len(g.stack)-1]
}

func (g *gmarkup) openTag() error {
	name := g.name()
	g.stack = append(g.stack, name)
	var attributes []attribute
	for {
		g.blanks()
		if len(g.rest) == 0 {
			return malformed("it ends within a tag")
		}
		c := g.rest[0]
		if c == '/' || c == '>' {
			g.rest = g.rest[1:]
			if !validName(name) {
				return malformed("the name " + name)
			}
			if err := g.start(name, attributes); err != nil {
				return err
			}
			if c == '>' {
				return nil
			}
			if len(g.rest) == 0 || g.rest[0] != '>' {
				return malformed("<" + name)
			}
			g.rest = g.rest[1:]
			g.pop()
			return nil
		}
		a, err := g.attribute()
		if err != nil {
			return err
		}
		attributes = append(attributes, a)
	}
}

func (g *gmarkup) attribute() (attribute, error) {
	if endsName(g.rest[0]) {
		return attribute{}, malformed("an attribute without a name")
	}
	a := attribute{name: g.name()}
	g.blanks()
	if !validName(a.name) || len(g.rest) == 0 || g.rest[0] != '=' {
		return a, malformed("the attribute " + a.name)
	}
	g.rest = g.rest[1:]
	g.blanks()
	if len(g.rest) == 0 || g.rest[0] != '"' && g.rest[0] != '\'' {
		return a, malformed("the attribute " + a.name)
	}
	value, after, ok := bytes.Cut(g.rest[1:], g.rest[:1])
	if !ok {
		return a, malformed("a quote has no end")
	}
	g.rest = after
	var err error
	a.value, err = unescape(string(value), true)
	return a, err
}

func (g *gmarkup) blanks() { g.rest = bytes.TrimLeft(g.rest, " \t\n\r") }

func (g *gmarkup) name() string {
	end := bytes.IndexAny(g.rest, "=/> \t\n\r")
	if end < 0 {
		end = len(g.rest)
	}
	name := string(g.rest[:end])
	g.rest = g.rest[end:]
	return name
}

func endsName(c byte) bool { return c == '=' || c == '/' || c == '>' || c == ' ' }

func validName(name string) bool {
	if !utf8.ValidString(name) {
		return false
	}
	for i, r := range name {
		if unicode.IsLetter(r) || r == '_' || r == ':' {
			continue
		}
		if i == 0 || r != '.' && r != '-' && (r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// unescape replaces the five entities and character references, and ends of lines.
func unescape(text string, attribute bool) (string, error) {
	if end := strings.IndexByte(text, 0); end >= 0 {
		text = text[:end] // a C string
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	if attribute {
		text = strings.NewReplacer("\t", " ", "\n", " ").Replace(text)
	}
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, "&")
		out.WriteString(before)
		if !ok {
			break
		}
		name, rest, ok := strings.Cut(after, ";")
		literal, known := predefined[name]
		if !known {
			literal, known = numbered(name)
		}
		if !ok || !known {
			return "", malformed("an & that begins no entity that it knows")
		}
		out.WriteString(literal)
		text = rest
	}
	if !utf8.ValidString(out.String()) {
		return "", malformed("it isn't UTF-8")
	}
	return out.String(), nil
}

// numbered is what a character reference stands for; XML 1.1's characters are allowed.
func numbered(name string) (string, bool) {
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if !ok || err != nil || n == 0 || n > 0x10FFFF || n >= 0xD800 && n < 0xE000 || n == 0xFFFE || n == 0xFFFF {
		return "", false
	}
	return string(rune(n)), true
}
