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

// template is a filter with placeholders in place of values.
type template struct {
	parts []string // the text before, between and after the placeholders
	names []string // one fewer
}

// filterAttribute matches what precedes the equals sign: an attribute, optionally with a
// matching rule, and the rest of the operator.
var filterAttribute = regexp.MustCompile(`^([A-Za-z0-9.-]+(;[A-Za-z0-9-]+)*)?(:dn)?(:[A-Za-z0-9.-]+)?[:<>~]?$`)

// parseTemplate parses a filter. It must contain one of the placeholders oneOf, if there
// are any, and may contain the others.
func parseTemplate(text string, oneOf, others []string) (*template, error) {
	if len(text) > maxFilter {
		return nil, fmt.Errorf("it is longer than %d bytes", maxFilter)
	}
	r := templateReader{text: text, oneOf: oneOf, others: others, out: &template{}}
	for r.at < len(text) {
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	t := r.out
	t.parts = append(t.parts, text[r.copied:])
	if len(oneOf) > 0 && !slices.ContainsFunc(t.names, func(name string) bool { return slices.Contains(oneOf, name) }) {
		return nil, fmt.Errorf("it needs {%s}", strings.Join(oneOf, "} or {"))
	}
	if _, err := ldap.CompileFilter(t.fill(func(name string) string { return name })); err != nil {
		return nil, errors.New(strings.TrimPrefix(reason(err).Error(), "ldap: "))
	}
	return t, nil
}

// The parts of a filter: the states of a templateReader.
const (
	inStructure = iota // between brackets and operators
	inAttribute        // before the equals sign
	inValue
)

// templateReader splits a filter at its placeholders.
type templateReader struct {
	text          string
	oneOf, others []string
	out           *template
	state         int
	at            int // the next byte
	from          int // where the attribute begins
	copied        int // how far the text is in out
}

// step reads a byte, or a whole placeholder.
func (r *templateReader) step() error {
	c := r.text[r.at]
	if r.state == inStructure {
		if strings.IndexByte("(&|!)", c) >= 0 {
			r.at++
			return nil
		}
		r.state, r.from = inAttribute, r.at
	}
	if r.state == inAttribute {
		return r.attribute(c)
	}
	switch c {
	case ')':
		r.state = inStructure
	case '}':
		return fmt.Errorf("there is a } without { at byte %d: as a character, write it \\7d", r.at+1)
	case '{':
		return r.placeholder()
	}
	r.at++
	return nil
}

func (r *templateReader) attribute(c byte) error {
	switch c {
	case '=':
		name := r.text[r.from:r.at]
		if strings.Trim(name, ":<>~") == "" || !filterAttribute.MatchString(name) {
			return fmt.Errorf("%q at byte %d is not an attribute", name, r.from+1)
		}
		r.state = inValue
	case '{', '}':
		return fmt.Errorf("a placeholder can only stand for a value, after =, and not at byte %d", r.at+1)
	}
	r.at++
	return nil
}

func (r *templateReader) placeholder() error {
	name, _, closed := strings.Cut(r.text[r.at+1:], "}")
	if !closed || !slices.Contains(r.oneOf, name) && !slices.Contains(r.others, name) {
		return fmt.Errorf("there is no such placeholder at byte %d; there %s (as a character, write { as \\7b)",
			r.at+1, known(r.oneOf, r.others))
	}
	before := r.text[:r.at]
	if strings.HasSuffix(before, `\`) || len(before) > 1 && before[len(before)-2] == '\\' {
		return fmt.Errorf("the placeholder at byte %d is in the middle of an escape", r.at+1)
	}
	r.out.parts, r.out.names = append(r.out.parts, r.text[r.copied:r.at]), append(r.out.names, name)
	r.at += len("{" + name + "}")
	r.copied = r.at
	return nil
}

func known(oneOf, others []string) string {
	all := append(slices.Clone(oneOf), others...)
	if len(all) == 0 {
		return "can't be any"
	}
	return "are {" + strings.Join(all, "}, {") + "}"
}

// fillForms fills in the values for both forms of a domain, ASCII and Unicode: directories
// have internationalized domains in either. value returns a value in one form.
func (t *template) fillForms(domain string, value func(name, domain string) string) string {
	filter := t.fill(func(name string) string { return value(name, domain) })
	if unicode := settings.UnicodeDomain(domain); unicode != domain {
		filter = "(|" + filter + t.fill(func(name string) string { return value(name, unicode) }) + ")"
	}
	return filter
}

// fill fills in the values, escaped.
func (t *template) fill(value func(name string) string) string {
	filter := &strings.Builder{}
	for i, name := range t.names {
		filter.WriteString(t.parts[i])
		filter.WriteString(ldap.EscapeFilter(value(name)))
	}
	filter.WriteString(t.parts[len(t.parts)-1])
	return filter.String()
}
