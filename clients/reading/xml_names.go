package reading

import (
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
)

// legal refuses characters that XML 1.0 doesn't allow.
func legal(text string) error {
	for _, r := range text {
		if !isChar(r) {
			return malformed("a character that XML doesn't have")
		}
	}
	return nil
}

func isChar(r rune) bool {
	return r >= 0x20 && r != 0xFFFE && r != 0xFFFF || isSpace(r)
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

func isNameStart(r rune) bool {
	return r == ':' || r == '_' || r < utf8.RuneSelf && isASCIILetter(byte(r)) || //nolint:gosec // ASCII
		r >= 0xC0 && r <= 0xFFFF && unicode.IsLetter(r)
}

func isNameChar(r rune) bool {
	return isNameStart(r) || r == '-' || r == '.' || r == 0xB7 || r >= '0' && r <= '9' ||
		r > 0x7F && r <= 0xFFFF && (unicode.IsDigit(r) || unicode.IsMark(r))
}

// namespaces are the bound prefixes.
type namespaces map[string]string

const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// bind reads the declarations of namespaces, and refuses unbound prefixes.
func bind(e *element, outer namespaces) (namespaces, error) {
	inner, err := declared(e.attributes, outer)
	if err != nil {
		return nil, err
	}
	if _, err := inner.expand(e.name); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, a := range e.attributes {
		if strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		full, err := inner.expand(a.name)
		if err != nil {
			return nil, err
		}
		if seen[full] {
			return nil, malformed("an attribute twice")
		}
		seen[full] = strings.Contains(a.name, ":")
	}
	return inner, nil
}

// declared adds the namespaces that an element declares.
func declared(attributes []attribute, outer namespaces) (namespaces, error) {
	inner := outer
	for _, a := range attributes {
		prefix, ok := strings.CutPrefix(a.name, "xmlns:")
		if !ok {
			continue
		}
		reserved := prefix == "xmlns" || (prefix == "xml") != (a.value == xmlNamespace) || a.value == xmlnsNamespace
		if reserved || a.value == "" || prefix == "" || strings.Contains(prefix, ":") {
			return nil, malformed("the namespace " + a.name)
		}
		if len(inner) == len(outer) {
			inner = namespaces{}
			maps.Copy(inner, outer)
		}
		if inner[prefix] = a.value; len(inner) > maxPrefixes {
			return nil, malformed("it has too many namespaces")
		}
	}
	return inner, nil
}

// expand replaces the prefix of a name by its namespace.
func (n namespaces) expand(name string) (string, error) {
	prefix, local, ok := strings.Cut(name, ":")
	switch {
	case !ok:
		return name, nil
	case prefix == "" || local == "" || strings.Contains(local, ":") || prefix == "xmlns":
		return "", malformed("the name " + name)
	case prefix != "xml" && n[prefix] == "":
		return "", malformed("the prefix of " + name + " isn't bound")
	}
	return n[prefix] + " " + local, nil
}
