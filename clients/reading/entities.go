package reading

import (
	"strconv"
	"strings"
)

var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// reference reads an entity or character reference in content.
func (p *xmlParser) reference(e *element, scope namespaces, text *strings.Builder) error {
	name, err := p.referenceName()
	if err != nil {
		return err
	}
	e.nodes = true
	if literal, ok, err := character(name); ok || err != nil {
		text.WriteString(literal)
		return err
	}
	known, err := p.lookUp(name)
	if err != nil || known.external {
		return err
	}
	inner := &xmlParser{dialect: p.dialect, rest: known.value, entities: p.entities, expanded: p.expanded, depth: p.depth}
	known.open = true
	err = inner.content(e, scope, text)
	known.open = false
	if err == nil && inner.rest != "" {
		err = malformed("an entity closes what it didn't open")
	}
	p.expanded = inner.expanded
	return err
}

// lookUp finds an entity. One that may be declared externally is an error, too.
func (p *xmlParser) lookUp(name string) (*entity, error) {
	known := p.entities[name]
	switch {
	case known == nil, p.noEntities:
		return nil, malformed("the entity " + name + " isn't declared")
	case known.open:
		return nil, malformed("an entity contains itself")
	case known.unparsed:
		return nil, malformed("an unparsed entity")
	}
	if p.expanded += len(known.value); p.expanded > maxExpansion {
		return nil, malformed("its entities are too large")
	}
	return known, nil
}

// referenceName reads the name between & and the semicolon.
func (p *xmlParser) referenceName() (string, error) {
	name, after, ok := strings.Cut(p.rest[1:], ";")
	if !ok || name == "" {
		return "", malformed("an & without a name and a semicolon")
	}
	if name[0] != '#' {
		scan := &xmlParser{rest: name + ";"}
		if found, err := scan.name(); err != nil || found != name || strings.Contains(name, ":") {
			return "", malformed("an & without a name and a semicolon")
		}
	}
	p.rest = after
	return name, nil
}

// character returns the character of a character reference or a predefined entity.
func character(name string) (string, bool, error) {
	if literal, ok := predefined[name]; ok {
		return literal, true, nil
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return "", false, nil
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	if strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return "", true, malformed("a character reference")
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > 0x10FFFF || n >= 0xD800 && n < 0xE000 || !isChar(rune(n)) {
		return "", true, malformed("a character reference")
	}
	return string(rune(n)), true, nil
}

// attributeValue expands and normalizes a value (XML 1.0, section 3.3.3).
func (p *xmlParser) attributeValue(raw string) (string, error) {
	if strings.Contains(raw, "<") {
		return "", malformed("a < in an attribute")
	}
	var out strings.Builder
	for raw != "" {
		end := strings.IndexByte(raw, '&')
		if end < 0 {
			end = len(raw)
		}
		out.WriteString(strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(raw[:end]))
		if raw = raw[end:]; raw == "" {
			break
		}
		inner := &xmlParser{rest: raw}
		name, err := inner.referenceName()
		if err != nil {
			return "", err
		}
		raw = inner.rest
		literal, ok, err := character(name)
		if err != nil {
			return "", err
		}
		if !ok {
			known, err := p.lookUp(name)
			switch {
			case err != nil:
				return "", err
			case known.external:
				return "", malformed("an external entity in an attribute")
			}
			known.open = true
			literal, err = p.attributeValue(known.value)
			known.open = false
			if err != nil {
				return "", err
			}
		}
		out.WriteString(literal)
	}
	return out.String(), nil
}

// doctype reads a document type declaration and the entities of its internal subset.
func (p *xmlParser) doctype() error {
	p.rest = p.rest[len("<!DOCTYPE"):]
	if !p.blanks() {
		return malformed("the document type")
	}
	if _, err := p.name(); err != nil {
		return err
	}
	if _, err := p.externalID(); err != nil {
		return err
	}
	p.blanks()
	if after, ok := strings.CutPrefix(p.rest, "["); ok {
		p.rest = after
		if err := p.internalSubset(); err != nil {
			return err
		}
		p.blanks()
	}
	if !strings.HasPrefix(p.rest, ">") {
		return malformed("the document type")
	}
	p.rest = p.rest[1:]
	return nil
}

// externalID reads PUBLIC "…" "…" or SYSTEM "…", if there is one.
func (p *xmlParser) externalID() (bool, error) {
	had := p.blanks()
	literals := 0
	if after, ok := strings.CutPrefix(p.rest, "PUBLIC"); ok {
		p.rest, literals = after, 2
	} else if after, ok := strings.CutPrefix(p.rest, "SYSTEM"); ok {
		p.rest, literals = after, 1
	}
	if literals > 0 && !had {
		return false, malformed("the document type")
	}
	for range literals {
		if !p.blanks() {
			return false, malformed("an external identifier")
		}
		if _, err := p.quoted(); err != nil {
			return false, err
		}
	}
	return literals > 0, nil
}

func (p *xmlParser) internalSubset() error {
	for {
		p.blanks()
		switch {
		case strings.HasPrefix(p.rest, "]"):
			p.rest = p.rest[1:]
			return nil
		case strings.HasPrefix(p.rest, "<!--"), strings.HasPrefix(p.rest, "<?"):
			if err := p.aside(); err != nil {
				return err
			}
		case strings.HasPrefix(p.rest, "<!ENTITY"):
			if err := p.entityDeclaration(); err != nil {
				return err
			}
		case strings.HasPrefix(p.rest, "%"):
			if _, after, ok := strings.Cut(p.rest, ";"); ok {
				p.rest = after
				continue
			}
			return malformed("the document type")
		case strings.HasPrefix(p.rest, "<!ELEMENT"), strings.HasPrefix(p.rest, "<!ATTLIST"), strings.HasPrefix(p.rest, "<!NOTATION"):
			if err := p.skipDeclaration(); err != nil {
				return err
			}
		default:
			return malformed("the document type")
		}
	}
}

// skipDeclaration skips a declaration without effect on the result.
func (p *xmlParser) skipDeclaration() error {
	for i := 0; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '>':
			p.rest = p.rest[i+1:]
			return nil
		case '"', '\'':
			end := strings.IndexByte(p.rest[i+1:], p.rest[i])
			if end < 0 {
				return malformed("the document type")
			}
			i += end + 1
		}
	}
	return malformed("the document type has no end")
}

func (p *xmlParser) entityDeclaration() error {
	p.rest = p.rest[len("<!ENTITY"):]
	if !p.blanks() {
		return malformed("an entity's declaration")
	}
	parameter := false
	if after, ok := strings.CutPrefix(p.rest, "%"); ok {
		p.rest, parameter = after, true
		p.blanks()
	}
	name, err := p.name()
	if err != nil {
		return err
	}
	if strings.Contains(name, ":") {
		return malformed("an entity's name")
	}
	declared, err := p.entityValue()
	if err != nil {
		return err
	}
	if _, twice := p.entities[name]; !twice && !parameter { // the first one counts
		p.entities[name] = declared
	}
	p.blanks()
	if !strings.HasPrefix(p.rest, ">") {
		return malformed("an entity's declaration")
	}
	p.rest = p.rest[1:]
	return nil
}

func (p *xmlParser) entityValue() (*entity, error) {
	external, err := p.externalID()
	if err != nil {
		return nil, err
	}
	if external {
		p.blanks()
		if after, ok := strings.CutPrefix(p.rest, "NDATA"); ok {
			p.rest = after
			p.blanks()
			if _, err := p.name(); err != nil {
				return nil, err
			}
			return &entity{unparsed: true}, nil
		}
		return &entity{external: true}, nil
	}
	raw, err := p.quoted()
	if err != nil {
		return nil, err
	}
	if strings.Contains(raw, "%") {
		return nil, malformed("a % in an entity") // parameter entities may not stand here
	}
	value, err := expandCharacters(raw)
	return &entity{value: value}, err
}

// expandCharacters replaces character references, but not entities (XML 1.0, section
// 4.4.5).
func expandCharacters(raw string) (string, error) {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(raw, "&")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		inner := &xmlParser{rest: "&" + after}
		name, err := inner.referenceName()
		if err != nil {
			return "", err
		}
		raw = inner.rest
		if strings.HasPrefix(name, "#") {
			literal, _, err := character(name)
			if err != nil {
				return "", err
			}
			out.WriteString(literal)
			continue
		}
		out.WriteString("&" + name + ";")
	}
}
