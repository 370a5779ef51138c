package thunderbird

import (
	"errors"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const good = `<clientConfig version="1.1"><emailProvider id="a.example"/></clientConfig>`
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":     {"", ErrNotConfig},
		"a page":      {"<!DOCTYPE html><html><body>Hello</body></html>", ErrNotConfig},
		"XHTML":       {"<html xmlns='http://www.w3.org/1999/xhtml'/>", ErrNotConfig},
		"a DTD":       {`<!DOCTYPE clientConfig [<!ENTITY a "b">]>` + good, ErrNotConfig},
		"two roots":   {good + good, ErrNotConfig},
		"no provider": {"<clientConfig/>", ErrNotConfig},
		"cut off":     {good[:40], ErrNotConfig},
		"a bare &":    {strings.Replace(good, "a.example", "a & b", 1), ErrNotConfig},
		"deep":        {strings.Repeat("<a>", 5000), ErrNotConfig},
		"too large":   {good + strings.Repeat(" ", MaxConfig), ErrTooLarge},
	} {
		if c, err := Parse([]byte(c.text)); !errors.Is(err, map[bool]error{true: ErrTooLarge, false: ErrNotConfig}[name == "too large"]) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
	if _, err := Parse([]byte("\uFEFF" + good)); err != nil {
		t.Errorf("a byte order mark: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	text, err := Render(office())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`<clientConfig><emailProvider id="x"><incomingServer type="imap"><pop3/></incomingServer></emailProvider><oAuth2/><webMail/></clientConfig>`))
	f.Add([]byte(`<?xml version="1.0" encoding="utf-16"?><clientConfig/>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil && !errors.Is(err, ErrNotConfig) && !errors.Is(err, ErrTooLarge) || err == nil && c == nil {
			t.Fatalf("%+v %v", c, err)
		}
	})
}
