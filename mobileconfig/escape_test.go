package mobileconfig

import (
	"bytes"
	"encoding/xml"
	"testing"
	"unicode/utf8"
)

// What is filled into a compiled profile is escaped as the plist library escapes the rest.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "a", "a&b<c>d'e\"f", "\t\n\r", "ü&ß", "%EMAILADDRESS%", "&amp;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) { // settings have none
			return
		}
		for _, r := range text {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF { // XML has none
				return
			}
		}
		var want bytes.Buffer
		if err := xml.EscapeText(&want, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := escape(nil, text); string(got) != want.String() {
			t.Errorf("%q is escaped as %q, not %q", text, got, &want)
		}
	})
}
