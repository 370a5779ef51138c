package ldapdir

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/settings"
)

const maxFilter = 8 << 10

// template is a filter with placeholders where it has values.
type template struct {
	parts []string // the text before, between and after the placeholders
	names []string // one fewer
}

// filterAttribute is what stands before the equals sign: an attribute, perhaps with
// a matching rule, and the rest of the operator.
var filterAttribute = regexp.MustCompile(`^([A-Za-z0-9.-]+(;[A-Za-z0-9-]+)*)?(:dn)?(:[A-Za-z0-9.-]+)?[:<>~]?$`)

// parseTemplate reads a filter. It must have one of the placeholders oneOf, if
// there are any, and may have the others.
func parseTemplate(text string, oneOf, others []string) (*template, error) {
	if len(text) > maxFilter {
		return nil, fmt.Errorf("it is longer than %d bytes", maxFilter)
	}
	t := &template{}
	const (
		structure = iota
		attribute
		value
	)
	state, from, last := structure, 0, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case state == structure && !strings.ContainsRune("(&|!)", rune(c)):
			state, from = attribute, i
			i-- // it may be wrong as an attribute's first byte
		case state == attribute && c == '=':
			name := text[from:i]
			if strings.Trim(name, ":<>~") == "" || !filterAttribute.MatchString(name) {
				return nil, fmt.Errorf("%q at byte %d is not an attribute", name, from+1)
			}
			state = value
		case state == attribute && (c == '{' || c == '}'):
			return nil, fmt.Errorf("a placeholder can only stand for a value, after =, and not at byte %d", i+1)
		case state == value && c == ')':
			state = structure
		case state == value && c == '}':
			return nil, fmt.Errorf("there is a } without { at byte %d: as a character, write it \\7d", i+1)
		case state == value && c == '{':
			name, _, closed := strings.Cut(text[i+1:], "}")
			if !closed || !slices.Contains(oneOf, name) && !slices.Contains(others, name) {
				return nil, fmt.Errorf("there is no such placeholder at byte %d; there %s (as a character, write { as \\7b)", i+1, known(oneOf, others))
			}
			if before := text[:i]; strings.HasSuffix(before, `\`) || len(before) > 1 && before[len(before)-2] == '\\' {
				return nil, fmt.Errorf("the placeholder at byte %d is in the middle of an escape", i+1)
			}
			t.parts, t.names = append(t.parts, text[last:i]), append(t.names, name)
			i += len(name) + 1
			last = i + 1
		}
	}
	t.parts = append(t.parts, text[last:])
	if len(oneOf) > 0 && !slices.ContainsFunc(t.names, func(name string) bool { return slices.Contains(oneOf, name) }) {
		return nil, fmt.Errorf("it needs {%s}", strings.Join(oneOf, "} or {"))
	}
	if _, err := ldap.CompileFilter(t.fill(func(name string) string { return name })); err != nil {
		return nil, errors.New(strings.TrimPrefix(reason(err).Error(), "ldap: "))
	}
	return t, nil
}

func known(oneOf, others []string) string {
	all := append(slices.Clone(oneOf), others...)
	if len(all) == 0 {
		return "can't be any"
	}
	return "are {" + strings.Join(all, "}, {") + "}"
}

// fillForms puts values in for both ways to write a domain: directories have
// internationalized ones in either. value gives one for a form.
func (t *template) fillForms(domain string, value func(name, domain string) string) string {
	filter := t.fill(func(name string) string { return value(name, domain) })
	if unicode := settings.UnicodeDomain(domain); unicode != domain {
		filter = "(|" + filter + t.fill(func(name string) string { return value(name, unicode) }) + ")"
	}
	return filter
}

// fill puts values in, escaped.
func (t *template) fill(value func(name string) string) string {
	filter := &strings.Builder{}
	for i, name := range t.names {
		filter.WriteString(t.parts[i])
		filter.WriteString(ldap.EscapeFilter(value(name)))
	}
	filter.WriteString(t.parts[len(t.parts)-1])
	return filter.String()
}
