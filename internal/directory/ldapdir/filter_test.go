package ldapdir

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

func TestFiltersThatArentPossible(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"":                          "it needs {address} or {local}",
		"mail={address}":            "does not start with",
		"(mail={address}":           "unexpected end",
		"(mail={address}))":         "extra at end",
		"({address}=x)":             "only stand for a value",
		"(mail{local}={address})":   "only stand for a value",
		"({address})":               "only stand for a value",
		"(mail:{local}:={address})": "only stand for a value",
		"{address}":                 "only stand for a value",
		"(&{address})":              "only stand for a value",
		"(mail=a)":                  "it needs {address} or {local}",
		"(mail={user})":             "no such placeholder at byte 7; there are {address}, {local}, {domain}",
		"(mail={address)":           "no such placeholder",
		"(mail={})":                 "no such placeholder",
		"(mail=a}{address})":        "there is a } without {",
		`(mail=\{address})`:         "in the middle of an escape",
		`(mail=\2{address})`:        "in the middle of an escape",
		`(mail=\zz{address})`:       "invalid",
		"(=x{address})":             "is not an attribute",
		"(ma il={address})":         "is not an attribute",
		"(&(a=b) (mail={address}))": "is not an attribute",
		"(mail={address})(a=b)":     "extra at end",
		"(a=" + strings.Repeat("b", maxFilter) + "{address})": "longer than",
	} {
		_, err := parseTemplate(filter, []string{"address", "local"}, []string{"domain"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filter, err)
		}
	}
	if _, err := parseTemplate("(a={x})", nil, nil); err == nil || !strings.Contains(err.Error(), "can't be any") {
		t.Error(err)
	}
}

func TestFiltersThatArePossible(t *testing.T) {
	t.Parallel()
	value := func(name string) string {
		return map[string]string{"address": "a*@b", "local": "a*", "domain": "b"}[name]
	}
	for filter, want := range map[string]string{
		"(mail={address})": `(mail=a\2a@b)`,
		"(&(a=*)(!(b=1))(|(c={local})(d=x{domain}y*)))": `(&(a=*)(!(b=1))(|(c=a\2a)(d=xby*)))`,
		`(a;lang-de=\5c\7b{local}\7d)`:                  `(a;lang-de=\5c\7ba\2a\7d)`,
		"(2.5.4.3:dn:2.5.13.2:={local})":                `(2.5.4.3:dn:2.5.13.2:=a\2a)`,
		"(:caseExactMatch:={local})":                    `(:caseExactMatch:=a\2a)`,
		"(a>={local})":                                  `(a>=a\2a)`,
		"(a~={local})":                                  `(a~=a\2a)`,
		"(a={local}=(b)":                                `(a=a\2a=(b)`,
	} {
		parsed, err := parseTemplate(filter, []string{"address", "local"}, []string{"domain"})
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := parsed.fill(value); got != want {
			t.Errorf("%s: %s", filter, got)
		}
	}
}

// skeleton is a filter without its values: decompiled, they have no parentheses and
// no asterisks of their own.
func skeleton(t *testing.T, filter string) string {
	t.Helper()
	compiled, err := ldap.CompileFilter(filter)
	if err != nil {
		t.Fatalf("%q: %v", filter, err)
	}
	text, err := ldap.DecompileFilter(compiled)
	if err != nil {
		t.Fatalf("%q: %v", filter, err)
	}
	bones := &strings.Builder{}
	inValue := false
	for _, c := range []byte(text) {
		switch {
		case !inValue, c == '*', c == ')':
			bones.WriteByte(c)
			inValue = inValue && c != ')' || c == '='
		}
	}
	return bones.String()
}

func FuzzFilledFilterKeepsItsShape(f *testing.F) {
	for _, p := range Presets() {
		f.Add(p.Mapping.Filter, "*)(uid=*))(|(uid=*")
		f.Add(p.Mapping.SearchFilter, "a\x00\\2a\xff")
	}
	f.Add("(a=x{local}y*{text}*)", "日本 ")
	f.Add("(&(a:dn:2.5.13.2:={local})(!(b>={text})))", "(")
	f.Fuzz(func(t *testing.T, filter, value string) {
		all := []string{"address", "local", "domain", "text"}
		parsed, err := parseTemplate(filter, all, nil)
		if err != nil || value == "" {
			return
		}
		plain := skeleton(t, parsed.fill(func(string) string { return "x" }))
		if got := skeleton(t, parsed.fill(func(string) string { return value })); got != plain {
			t.Errorf("%q with %q: %s, and it should be %s", filter, value, got, plain)
		}
	})
}
