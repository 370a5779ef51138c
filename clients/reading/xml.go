package reading

import (
	"slices"
	"strings"
)

// element is an element as Gecko's reader (expat, with namespaces) returns it.
type element struct {
	name       string // with its prefix
	attributes []attribute
	// children are its child elements; text is all character data directly in it; at is the
	// length of its parent's text before it.
	children []*element
	text     string
	at       int
	// nodes reports whether it contains anything, such as a comment.
	nodes bool
}

type attribute struct{ name, value string }

// Limits of a document. Expat's own are beyond what a mail provider publishes.
const (
	maxDepth     = 1000
	maxExpansion = 1 << 20
	maxPrefixes  = 100
)

// dialect is how a reader of XML differs from expat with namespaces.
type dialect struct {
	// prefixes needn't be bound.
	prefixes bool
	// entities that a document declares are unknown.
	noEntities bool
}

// parseXML parses a document in UTF-8 as expat does with namespaces, without external
// entities.
func parseXML(text string) (*element, error) { return dialect{}.parse(text) }

func (d dialect) parse(text string) (*element, error) {
	p := &xmlParser{dialect: d, rest: normalizeLines(text), entities: map[string]*entity{}}
	return p.document()
}

// normalizeLines replaces every line end by a line feed (XML 1.0, section 2.11).
func normalizeLines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

type entity struct {
	value string
	// external entities, parsed or not, are never loaded.
	external, unparsed bool
	open               bool
}

type xmlParser struct {
	dialect
	rest     string
	entities map[string]*entity
	expanded int
	depth    int
}

func malformed(what string) error { return refuse("it isn't well-formed XML: %s", what) }

func (p *xmlParser) document() (*element, error) {
	if err := p.declaration(); err != nil {
		return nil, err
	}
	var root *element
	doctype := false
	for {
		p.blanks()
		switch {
		case p.rest == "":
			if root == nil {
				return nil, malformed("there is no element")
			}
			return root, nil
		case strings.HasPrefix(p.rest, "<!DOCTYPE"):
			if doctype || root != nil {
				return nil, malformed("a document type in the wrong place")
			}
			doctype = true
			if err := p.doctype(); err != nil {
				return nil, err
			}
		case strings.HasPrefix(p.rest, "<!--"), strings.HasPrefix(p.rest, "<?"):
			if err := p.aside(); err != nil {
				return nil, err
			}
		case strings.HasPrefix(p.rest, "<") && root == nil:
			var err error
			if root, err = p.element(namespaces{}); err != nil {
				return nil, err
			}
		default:
			return nil, malformed("something beside the root element")
		}
	}
}

// declaration reads <?xml ...?>, which may only stand at the very beginning.
func (p *xmlParser) declaration() error {
	if !strings.HasPrefix(p.rest, "<?xml") || len(p.rest) < 6 || !isSpace(rune(p.rest[5])) {
		return nil
	}
	inside, after, ok := strings.Cut(p.rest[5:], "?>")
	if !ok {
		return malformed("the XML declaration has no end")
	}
	p.rest = after
	d := &xmlParser{rest: inside}
	names := []string{"version", "encoding", "standalone"}
	for first := true; ; first = false {
		had := d.blanks()
		if d.rest == "" && !first {
			return nil
		}
		name, value, err := d.pseudoAttribute()
		if err != nil {
			return err
		}
		place := slices.Index(names, name)
		if !had || place < 0 || first && place > 0 || !validDeclaration(name, value) {
			return malformed("the XML declaration")
		}
		names = names[place+1:]
	}
}

func (p *xmlParser) pseudoAttribute() (name, value string, err error) {
	end := strings.IndexAny(p.rest, "= \t\n")
	if end <= 0 {
		return "", "", malformed("the XML declaration")
	}
	name, p.rest = p.rest[:end], p.rest[end:]
	if err := p.equals(); err != nil {
		return "", "", err
	}
	value, err = p.quoted()
	return name, value, err
}

func validDeclaration(name, value string) bool {
	switch name {
	case "version":
		return len(value) > 2 && strings.HasPrefix(value, "1.") && strings.Trim(value[2:], "0123456789") == ""
	case "standalone":
		return value == "yes" || value == "no"
	case "encoding":
		if value == "" || !isASCIILetter(value[0]) {
			return false
		}
	}
	return strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:") == ""
}

func isASCIILetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// equals reads "=" and surrounding blanks.
func (p *xmlParser) equals() error {
	p.blanks()
	if !strings.HasPrefix(p.rest, "=") {
		return malformed("an attribute without a value")
	}
	p.rest = p.rest[1:]
	p.blanks()
	return nil
}

// quoted reads a quoted literal.
func (p *xmlParser) quoted() (string, error) {
	if p.rest == "" || p.rest[0] != '"' && p.rest[0] != '\'' {
		return "", malformed("a value without quotes")
	}
	value, after, ok := strings.Cut(p.rest[1:], p.rest[:1])
	if !ok {
		return "", malformed("a quote has no end")
	}
	p.rest = after
	return value, legal(value)
}

func (p *xmlParser) blanks() bool {
	trimmed := strings.TrimLeft(p.rest, " \t\n\r")
	had := len(trimmed) < len(p.rest)
	p.rest = trimmed
	return had
}

// aside skips a comment or a processing instruction.
func (p *xmlParser) aside() error {
	if after, ok := strings.CutPrefix(p.rest, "<!--"); ok {
		text, after, ok := strings.Cut(after, "--")
		if !ok || !strings.HasPrefix(after, ">") {
			return malformed("a comment")
		}
		p.rest = after[1:]
		return legal(text)
	}
	p.rest = p.rest[2:]
	name, err := p.name()
	if err != nil || strings.EqualFold(name, "xml") || strings.Contains(name, ":") {
		return malformed("a processing instruction")
	}
	text, after, ok := strings.Cut(p.rest, "?>")
	if !ok || text != "" && !isSpace(rune(text[0])) {
		return malformed("a processing instruction")
	}
	p.rest = after
	return legal(text)
}

func (p *xmlParser) name() (string, error) {
	for i, r := range p.rest {
		if isNameStart(r) || i > 0 && isNameChar(r) {
			continue
		}
		if i == 0 {
			return "", malformed("a name is expected")
		}
		name := p.rest[:i]
		p.rest = p.rest[i:]
		return name, nil
	}
	return "", malformed("the document ends within a name")
}

// element reads an element with its content.
func (p *xmlParser) element(outer namespaces) (*element, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, malformed("it is too deep")
	}
	defer func() { p.depth-- }()
	p.rest = p.rest[1:]
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	e := &element{name: name}
	empty, err := p.attributes(e)
	if err != nil {
		return nil, err
	}
	inner := outer
	if !p.prefixes {
		inner, err = bind(e, outer)
	}
	if err != nil || empty {
		return e, err
	}
	var text strings.Builder
	if err := p.content(e, inner, &text); err != nil {
		return nil, err
	}
	e.text = text.String()
	closing, ok := strings.CutPrefix(p.rest, "</"+name)
	if !ok {
		return nil, malformed("<" + name + "> isn't closed")
	}
	p.rest = closing
	p.blanks()
	if !strings.HasPrefix(p.rest, ">") {
		return nil, malformed("</" + name)
	}
	p.rest = p.rest[1:]
	return e, nil
}

// attributes reads the rest of a start tag, and reports whether the element is empty.
func (p *xmlParser) attributes(e *element) (empty bool, err error) {
	seen := map[string]bool{}
	for {
		had := p.blanks()
		if after, ok := strings.CutPrefix(p.rest, "/>"); ok {
			p.rest = after
			return true, nil
		}
		if after, ok := strings.CutPrefix(p.rest, ">"); ok {
			p.rest = after
			return false, nil
		}
		if !had {
			return false, malformed("<" + e.name)
		}
		name, err := p.name()
		if err != nil {
			return false, err
		}
		if err := p.equals(); err != nil {
			return false, err
		}
		raw, err := p.quoted()
		if err != nil {
			return false, err
		}
		value, err := p.attributeValue(raw)
		if err != nil {
			return false, err
		}
		if seen[name] {
			return false, malformed("an attribute twice")
		}
		seen[name] = true
		e.attributes = append(e.attributes, attribute{name, value})
	}
}

// content reads the content of an element, up to its end tag or the end of an entity.
func (p *xmlParser) content(e *element, scope namespaces, text *strings.Builder) error {
	for {
		end := strings.IndexAny(p.rest, "<&")
		if end < 0 {
			end = len(p.rest)
		}
		if end > 0 {
			chunk := p.rest[:end]
			if strings.Contains(chunk, "]]>") {
				return malformed("]]> in a text")
			}
			if err := legal(chunk); err != nil {
				return err
			}
			text.WriteString(chunk)
			e.nodes = true
			p.rest = p.rest[end:]
		}
		switch {
		case p.rest == "" || strings.HasPrefix(p.rest, "</"):
			return nil
		case p.rest[0] == '&':
			if err := p.reference(e, scope, text); err != nil {
				return err
			}
		case strings.HasPrefix(p.rest, "<![CDATA["):
			chunk, after, ok := strings.Cut(p.rest[len("<![CDATA["):], "]]>")
			if !ok {
				return malformed("a CDATA section has no end")
			}
			if err := legal(chunk); err != nil {
				return err
			}
			text.WriteString(chunk)
			p.rest, e.nodes = after, true
		case strings.HasPrefix(p.rest, "<!--"), strings.HasPrefix(p.rest, "<?"):
			if err := p.aside(); err != nil {
				return err
			}
			e.nodes = true
		default:
			child, err := p.element(scope)
			if err != nil {
				return err
			}
			child.at = text.Len()
			e.children, e.nodes = append(e.children, child), true
		}
	}
}
