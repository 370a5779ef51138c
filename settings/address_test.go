package settings

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseAddressKeepsTheLocalPartAndNormalisesTheDomain(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"office@example.com":                     "office@example.com",
		"Office@EXAMPLE.com":                     "Office@example.com",
		"a+b@example.com":                        "a+b@example.com",
		"a&b@example.com":                        "a&b@example.com",
		"o'neil@example.com":                     "o'neil@example.com",
		"jörg@example.com":                       "jörg@example.com",
		"info@müller.example":                    "info@xn--mller-kva.example",
		"info@MÜLLER.example":                    "info@xn--mller-kva.example",
		"info@faß.example":                       "info@xn--fa-hia.example", // not fass: IDNA 2008, not 2003
		"info@xn--mller-kva.example":             "info@xn--mller-kva.example",
		"docomo..style.@example.jp":              "docomo..style.@example.jp",
		`"john doe"@example.com`:                 `"john doe"@example.com`,
		`"a@b"@example.com`:                      `"a@b"@example.com`,
		`"a\"b"@example.com`:                     `"a\"b"@example.com`,
		"a@ab--cd.example":                       "a@ab--cd.example",
		"00123@example.com":                      "00123@example.com",
		"root@localhost":                         "root@localhost",
		strings.Repeat("a", 64) + "@example.com": strings.Repeat("a", 64) + "@example.com",
	} {
		a, err := ParseAddress(typed)
		if err != nil || a.String() != want {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", typed, a, err, want)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]string{
		"empty":                   "",
		"no @":                    "office",
		"no local part":           "@example.com",
		"no domain":               "office@",
		"two @":                   "a@b@example.com",
		"blank":                   "a b@example.com",
		"blank before the @":      "a @example.com",
		"blank behind the @":      "a@ example.com",
		"NUL":                     "a\x00b@example.com",
		"line break":              "a@example.com\r\nSet-Cookie: x",
		"line break in quotes":    "\"a\nb\"@example.com",
		"C1 control":              "a\u0085b@example.com",
		"bidirectional override":  "a\u202eb@example.com",
		"private use":             "a\ue000b@example.com",
		"noncharacter":            "a\uffffb@example.com",
		"not UTF-8":               "a\xffb@example.com",
		"comment":                 "a(b)@example.com",
		"angle brackets":          "<a@example.com>",
		"list":                    "a@example.com,b@example.com",
		"unbalanced quotes":       `"a@example.com`,
		"quote inside":            `a"b@example.com`,
		"backslash before quote":  `"a\"@example.com`,
		"empty quotes":            `""@example.com`,
		"address literal":         "a@[192.0.2.1]",
		"IP address":              "a@192.0.2.1",
		"underscore in domain":    "a@ex_ample.com",
		"empty label":             "a@example..com",
		"leading dot":             "a@.example.com",
		"two final dots":          "a@example.com..",
		"only blanks":             " \t\u00a0",
		"final ideographic dot":   "a@example.com。",
		"hyphen at the end":       "a@example-.com",
		"bad punycode":            "a@xn--a.example",
		"local part too long":     strings.Repeat("a", 65) + "@example.com",
		"label too long":          "a@" + strings.Repeat("b", 64) + ".com",
		"domain too long":         "a@" + strings.Repeat("b.", 130) + "com",
		"address too long":        strings.Repeat("a", 60) + "@" + strings.Repeat("b23456789.", 20) + "com",
		"ten kilobytes":           strings.Repeat("a", 10_000) + "@example.com",
		"ten kilobytes of domain": "a@" + strings.Repeat("a", 10_000),
	} {
		if a, err := ParseAddress(typed); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: ParseAddress gives %q, %v", name, a, err)
		} else if strings.Contains(err.Error(), typed) && len(typed) > 1 {
			t.Errorf("%s: the error repeats the address: %v", name, err)
		}
	}
}

// What is pasted or typed around an address is no part of it, at every door.
func TestParseAddressLeavesWhatStandsAround(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]string{
		"a blank in front":        " a@example.com",
		"a blank at the end":      "a@example.com ",
		"a tab and a line break":  "\ta@example.com\r\n",
		"a no-break space":        "\u00a0a@example.com\u00a0",
		"an ideographic space":    "\u3000a@example.com",
		"a byte order mark":       "\ufeffa@example.com",
		"a zero-width space":      "\u200ba@example.com\u200b",
		"marks of direction":      "\u202aa@example.com\u202c\u200e",
		"isolates":                "\u2068a@example.com\u2069",
		"a dot at the end":        "a@example.com.",
		"a telephone's full stop": "a@example.com. ",
	} {
		if a, err := ParseAddress(typed); err != nil || a.String() != "a@example.com" {
			t.Errorf("%s: ParseAddress(%q) = %q, %v", name, typed, a, err)
		}
	}
	if a, err := ParseAddress(` " a "@example.com `); err != nil || a.String() != `" a "@example.com` {
		t.Errorf("blanks in quotes: %q, %v", a, err)
	}
}

func TestKeyIgnoresLetterCaseAndNeedlessQuotes(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Office@Example.COM":        "office@example.com",
		`"Office"@example.com`:      "office@example.com",
		`"a b"@example.com`:         `"a b"@example.com`,
		`"a\"b"@example.com`:        `"a\"b"@example.com`,
		"JÖRG@example.com":          "jÖrg@example.com", // only ASCII letter case
		`"Office+x"@example.com`:    "office+x@example.com",
		`"a@b.example"@example.com`: `"a@b.example"@example.com`,
	} {
		if got := MustAddress(typed).Key(); got != want {
			t.Errorf("Key of %q is %q, want %q", typed, got, want)
		}
	}
}

func TestWithoutTag(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typed, delimiters, want string }{
		{"name+tag@example.com", "+", "name@example.com"},
		{"name+a+b@example.com", "+", "name@example.com"},
		{"name-tag@example.com", "+", "name-tag@example.com"},
		{"name-tag@example.com", "+-", "name@example.com"},
		{"name+tag@example.com", "", "name+tag@example.com"},
		{"+tag@example.com", "+", "+tag@example.com"},
		{`"name+tag"@example.com`, "+", "name@example.com"},
		{`"name+a tag"@example.com`, "+", "name@example.com"},
		{`"a name+tag"@example.com`, "+", `"a name"@example.com`},
		{`"+tag"@example.com`, "+", `"+tag"@example.com`},
	} {
		if got := MustAddress(c.typed).WithoutTag(c.delimiters).String(); got != c.want {
			t.Errorf("%q without %q is %q, want %q", c.typed, c.delimiters, got, c.want)
		}
	}
}

func TestParseDomainAcceptsHostsAsTheyArrive(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"AutoConfig.Example.COM": "autoconfig.example.com",
		"example.com.":           "example.com",
		"bücher.example":         "xn--bcher-kva.example",
	} {
		if got, err := ParseDomain(typed); err != nil || got != want {
			t.Errorf("ParseDomain(%q) = %q, %v; want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{"", ".", "..", "example.com..", "a b", "127.0.0.1", "::1", "exa/mple.com", "a\x00b"} {
		if got, err := ParseDomain(typed); err == nil {
			t.Errorf("ParseDomain(%q) = %q, want an error", typed, got)
		}
	}
}

// What is accepted is within the limits, carries nothing that a format can't,
// and is accepted again as it is.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"office@example.com", "a+b@example.com", `"a b"@example.com`, `"a\"b"@x`, "jörg@müller.example", "a@b@c",
		"a\x00@b", "@", "", "a@xn--mller-kva.example", "a@EXAMPLE.com.", "a&b@d", "<a@b>", "ａ@ｂ．ｃｏｍ",
		`"o\ffice"@example.com`, "jo\u0308rg@example.com", "\u212a@example.com", "a\u037eb@example.com", "J\u030c@example.com",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, err := ParseAddress(typed)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		text := a.String()
		if len(text) > MaxAddress || len(a.Local()) > MaxLocalPart || len(a.Domain()) > MaxDomain {
			t.Fatalf("%q is too long", text)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\n") || a.Domain() != strings.ToLower(a.Domain()) {
			t.Fatalf("%q has what it must not have", text)
		}
		again, err := ParseAddress(text)
		if err != nil || again != a {
			t.Fatalf("%q comes back as %q, %v", text, again, err)
		}
		if !strings.HasPrefix(strings.TrimFunc(typed, isAround), a.Local()+"@") {
			t.Fatalf("the local part of %q became %q", typed, a.Local())
		}
		if again, err := ParseAddress(a.Unquoted().String()); err != nil || again.Unquoted() != again {
			t.Fatalf("%q in our spelling is %q, %v", text, again, err)
		}
		if key := MustAddress(text).Key(); key != a.Unquoted().Key() || LocalKey(key[:strings.LastIndexByte(key, '@')])+"@"+a.Domain() != key {
			t.Fatalf("the key %q of %q isn't stable", key, text)
		}
	})
}

func TestSpellingsOfOneMailboxHaveOneKey(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"office@example.com":    {"office@example.com", "OFFICE@EXAMPLE.COM", `"office"@example.com`, `"o\ffice"@example.com`, `"\O\F\F\I\C\E"@example.com`},
		`"a b"@example.com`:     {`"a b"@example.com`, `"a\ b"@example.com`, `"\A\ \B"@example.com`},
		`"a\"b"@example.com`:    {`"a\"b"@example.com`, `"\a\"\b"@example.com`},
		`"\"a\""@example.com`:   {`"\"a\""@example.com`, `"\"\a\""@example.com`},
		"j\u00f6rg@example.com": {"j\u00f6rg@example.com", "jo\u0308rg@example.com", "\"jo\u0308rg\"@example.com"},
		"\u01f0@example.com":    {"\u01f0@example.com", "J\u030c@example.com", "j\u030c@example.com"}, // only the small one has a composed form
		"k@example.com":         {"k@example.com", "\u212a@example.com"},                              // the Kelvin sign is a K
		`"a;b"@example.com`:     {`"a;b"@example.com`, "a\u037eb@example.com"},                        // the Greek question mark is a semicolon
	} {
		for _, spelling := range spellings {
			a := MustAddress(spelling)
			if a.Key() != want || !a.Same(MustAddress(want)) || a.Unquoted().Key() != want {
				t.Errorf("%s: %q and %q, want %q", spelling, a.Key(), a.Unquoted().Key(), want)
			}
		}
	}
	long := MustAddress("A" + strings.Repeat("\u0958", 21) + "@example.com") // composed forms of it are longer
	if key := long.Key(); len(key) > MaxAddress || MustAddress(key).Key() != key {
		t.Errorf("%q", key)
	}
}
