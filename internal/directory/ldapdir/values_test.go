package ldapdir

import (
	"strings"
	"testing"

	"autoconfig/policy"
	"autoconfig/settings"
)

func TestParseMailAddress(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"a@example.com":             "a@example.com",
		" a@example.com ":           "a@example.com",
		"smtp:a@example.com":        "smtp a@example.com",
		"SMTP:A@Example.COM":        "SMTP A@example.com",
		"Smtp:a@example.com":        "Smtp a@example.com",
		`smtp:"a:b"@example.com`:    `smtp "a:b"@example.com`,
		`"a:b"@example.com`:         `"a:b"@example.com`,
		`"a"@example.com`:           `a@example.com`,
		"smtp:":                     "wrong",
		"smtp:a":                    "wrong",
		"smtp:smtp:a@example.com":   "wrong",
		"a":                         "wrong",
		"":                          "wrong",
		"a@example.com:25":          "wrong",
		"X400:c=de;a= ;p=x;s=y;":    "other",
		"x500:/o=Example/cn=a":      "other",
		"sip:a@example.com":         "other",
		"SPO:SPO_1@SPO_2":           "other",
		":a@example.com":            "other",
		"smtp :a@example.com":       "other",
		"a:b@example.com":           "other",
		"EUM:123;phone-context=a.b": "other",
	} {
		m, other, err := parseMailAddress(value)
		got := strings.TrimSpace(m.prefix + " " + m.address.String())
		switch {
		case other:
			got = "other"
		case err != nil:
			got = "wrong"
		}
		if got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestParseGroup(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"staff":                              "staff",
		" field staff ":                      "field staff",
		"list@example.com":                   "list@example.com",
		"CN=Staff,OU=Groups,DC=example":      "Staff",
		`cn=Doe\, Jane,dc=x`:                 "Doe, Jane",
		`cn=\C3\BCben,dc=x`:                  "üben",
		"ou=a+cn=b,dc=x":                     "b",
		"ou=a,cn=b":                          "a",
		"cn=#04024869,dc=x":                  "Hi",
		"a=b":                                "b",
		"=b":                                 "=b",
		"cn=":                                "",
		"cn=a\u202eb,dc=x":                   "",
		"":                                   "",
		"a\tb":                               "",
		strings.Repeat("x", maxText+1):       "",
		"cn=" + strings.Repeat("x", maxText): strings.Repeat("x", maxText),
	} {
		got, ok := parseGroup(value)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%.40q: %q, %t", value, got, ok)
		}
	}
}

func TestParseQuota(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, unit string
		want        policy.Bytes
		ok          bool
	}{
		{"1000", "", 1000, true},
		{"2", "KiB", 2048, true},
		{"1.5", "GB", 1.5e9, true},
		{" 20 GB ", "KiB", 20e9, true},
		{"500mb", "", 500e6, true},
		{"0", "MiB", 0, true},
		{"-1", "", 0, true},
		{"-1", "KiB", 0, true},
		{"9223372036854775807", "", 9223372036854775807, true},
		{"9223372036854775807", "KiB", 0, false},
		{"99999999999999999999", "", 0, false},
		{"", "", 0, false},
		{"plenty", "", 0, false},
		{"1e5", "", 0, false},
		{"--1", "", 0, false},
		{"1,5 GB", "", 0, false},
	} {
		if got, ok := parseQuota(c.value, c.unit); got != c.want || ok != c.ok {
			t.Errorf("%q in %q: %d, %t", c.value, c.unit, got, ok)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, value := range []string{
		"smtp:a@example.com", "SMTP:b@example.com", `"a:b"@example.com`, "X400:c=de;s=x;", "CN=a\\, b,OU=c", "cn=#0402", "cn=#04844869", "ou=a+cn=b;c", "20 GB", "-1", "1.5", "\\", "=,=",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if m, other, err := parseMailAddress(value); err == nil && !other {
			again, err := settings.ParseAddress(m.address.String())
			if err != nil || again != m.address {
				t.Errorf("%q: %q isn't an address: %v", value, m.address, err)
			}
		}
		if group, ok := parseGroup(value); ok && (group != strings.TrimSpace(group) || settings.CheckText(group) != nil || group == "") {
			t.Errorf("%q: the group %q", value, group)
		}
		for _, unit := range []string{"", "KiB", "TB"} {
			if quota, ok := parseQuota(value, unit); quota < 0 || !ok && quota != 0 {
				t.Errorf("%q: a quota of %d", value, quota)
			}
		}
	})
}
