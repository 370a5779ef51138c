package web

import (
	"regexp"
	"testing"
)

// Whatever a provider's colour is, text in it can be read on the pages, and text on it too.
func TestAnyColourCanBeRead(t *testing.T) {
	t.Parallel()
	parts := regexp.MustCompile(`--brand: #(\w{6}); --on-brand: #(\w+); --accent-light: #(\w{6}); --accent-dark: #(\w{6});`)
	for _, digits := range []string{"000000", "ffffff", "ffee00", "0a5f3c", "777777", "1f3a8a", "ff0000", "00ff00", "0000ff", "e2552b"} {
		style, ok := colourStyle(digits + ".css")
		found := parts.FindStringSubmatch(style)
		if !ok || found == nil {
			t.Fatalf("%s: %q", digits, style)
		}
		on := found[2] + found[2]
		for name, pair := range map[string][2]string{"on it": {found[1], on}, "light": {found[3], darkest}, "dark": {found[4], lightest}} {
			if c := contrast(luminance(pair[0]), luminance(pair[1])); c < 4.5 {
				t.Errorf("%s, %s: contrast %.2f of %v", digits, name, c, pair)
			}
		}
	}
	if style, _ := colourStyle("1f3a8a.css"); !regexp.MustCompile(`--accent-light: #1f3a8a`).MatchString(style) {
		t.Errorf("a colour that can be read is changed: %s", style)
	}
}
