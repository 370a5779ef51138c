package reading

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// No document makes a reader fail otherwise than by a refusal.
func FuzzReaders(f *testing.F) {
	f.Add([]byte(document), "text/xml")
	f.Add([]byte("<!DOCTYPE a [<!ENTITY b 'c'>]><clientConfig x='&b;'>&b;</clientConfig>"), "text/xml; charset=utf-16")
	f.Add([]byte("<Autodiscover><Response><Account><RedirectAddr>a@b.c</RedirectAddr></Account></Response></Autodiscover>"), "application/xml")
	f.Add([]byte("<?>"), "text/xml")
	f.Add([]byte("<!>"), "text/xml")
	f.Add([]byte("\xFF\xFE<\x00a\x00/\x00>\x00"), "text/xml")
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		d, person := Document{kind, body}, Person{"o.neil@example.com", "O'Neil $& $1"}
		for _, p := range Programs() {
			if p.Config != nil {
				account, err := p.Config(d, person)
				if (account == nil) != (err != nil) || err != nil && !errors.Is(err, ErrRefused) {
					t.Errorf("%s: %+v, %v", p.ID, account, err)
				}
			}
			if p.Autodiscover != nil {
				account, redirect, err := p.Autodiscover(d, person)
				if (account == nil && redirect == Redirect{}) != (err != nil) || err != nil && !errors.Is(err, ErrRefused) {
					t.Errorf("%s, Autodiscover: %+v, %+v, %v", p.ID, account, redirect, err)
				}
			}
		}
	})
}

// What a stranger's server can write into a megabyte takes no reader long.
func TestLargeDocumentsAreReadInTime(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for name, text := range map[string]string{
		"zeros":      change(document, ">993<", ">"+strings.Repeat("0", size)+"<"),
		"digits":     change(document, ">993<", ">"+strings.Repeat("9", size)+"<"),
		"depth":      strings.Repeat("<a>", size/3),
		"references": change(document, "%EMAILADDRESS%", strings.Repeat("&amp;", size/5)),
		"entities":   `<!DOCTYPE a [<!ENTITY a "` + strings.Repeat("x", 1000) + `"><!ENTITY b "` + strings.Repeat("&a;", 1000) + `"><!ENTITY c "` + strings.Repeat("&b;", 1000) + `">]><clientConfig>&c;</clientConfig>`,
		"comments":   change(document, "<domain>", strings.Repeat("<!-- -->", size/8)+"<domain>"),
		"half open":  strings.Repeat("<!--<", size/5),
		"host":       change(document, "imap.example.com", strings.Repeat("a.", size/2)),
		"holes":      change(document, "%EMAILADDRESS%", strings.Repeat("%EMAILADDRESS%", size/14)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			d, person := Document{"text/xml", []byte(text)}, Person{Email: "o.neil@example.com"}
			for _, p := range Programs() {
				if p.Config != nil {
					_, _ = p.Config(d, person)
				}
				if p.Autodiscover != nil {
					_, _, _ = p.Autodiscover(d, person)
				}
			}
			if took := time.Since(begun); took > 2*time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func change(text, old, with string) string { return strings.Replace(text, old, with, 1) }
