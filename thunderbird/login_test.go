package thunderbird

import (
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

func TestResolvePrefersBarePlaceholdersThenLiterals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		login settings.Login
		typed string
		want  string
	}{
		"address":                 {settings.Login{Literal: "office@example.com", Pattern: "{address}"}, "office@example.com", "%EMAILADDRESS%"},
		"local part":              {settings.Login{Literal: "00123", Pattern: "{local}"}, "00123@example.com", "%EMAILLOCALPART%"},
		"composite is literal":    {settings.Login{Literal: "office%example.com", Pattern: "{local}%{domain}"}, "office@example.com", "office%example.com"},
		"composite, mangled":      {settings.Login{Literal: "00123", Pattern: "00{local}"}, "123@example.com", "00%EMAILLOCALPART%"},
		"respelled":               {settings.Login{Literal: "office@example.com", Pattern: "{address}"}, " office@EXAMPLE.com", "office@example.com"},
		"respelled, local part":   {settings.Login{Literal: "00123", Pattern: "{local}"}, "00123@EXAMPLE.com", "%EMAILLOCALPART%"},
		"dollar":                  {settings.Login{Literal: "a$&b@example.com", Pattern: "{address}"}, "a$&b@example.com", "a$&b@example.com"},
		"dollar, local part":      {settings.Login{Literal: "a$$b", Pattern: "{local}"}, "a$$b@example.com", "a$$b"},
		"own":                     {settings.Login{Literal: "of1"}, "office@example.com", "of1"},
		"own, numeric":            {settings.Login{Literal: "00123"}, "office@example.com", ""},
		"own, blank at the edge":  {settings.Login{Literal: "of1 "}, "office@example.com", ""},
		"own, like a placeholder": {settings.Login{Literal: "%EMAILADDRESS%"}, "office@example.com", ""},
		"default":                 {settings.Login{Pattern: "{local}@example.com"}, "", "%EMAILLOCALPART%@example.com"},
		"Evolution":               {settings.Login{Literal: "EVOLUTIONUSER@example.com", Pattern: "{address}"}, "EVOLUTIONUSER@example.com", "EVOLUTIONUSER@example.com"},
	} {
		s := office()
		s.Typed = settings.Address{}
		if c.typed != "" {
			s.Typed = settings.MustAddress(c.typed)
			s.Respelled = c.typed != s.Typed.String()
		}
		s.IncomingLogin, s.OutgoingLogin = c.login, c.login
		resolved, err := Resolve(s)
		if c.want == "" {
			if !errors.Is(err, ErrLogin) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := username(resolved.IncomingLogin); err != nil || got != c.want {
			t.Errorf("%s: %q %v, want %q", name, got, err, c.want)
		}
		if again, err := Resolve(resolved); err != nil || again.IncomingLogin != resolved.IncomingLogin {
			t.Errorf("%s: resolving twice gives %+v, %v", name, again.IncomingLogin, err)
		}
	}
}

// texts on which readers of numbers disagree.
var texts = []string{
	"", " ", "0", "00123", "123", "-1", "+1", "1.", ".5", ".", "1e5", "1E+5", "1e", "e5", "0x10", "0X1f", "0x", "0xg", "-0x10", "0o17", "0O8", "0b101", "0b2",
	"1_000", "Infinity", "-Infinity", "inf", "NaN", "nan", "1e400", "1e-400", "true", "True", "FALSE", "truest", " true", " 12", "12 ", "1 2", "\t1", "\u00a01", "\ufeff1",
	"1,5", "½", "١٢", "office", "office@example.com", "1@2", "0.0.0.0", "1n", "1f", "0x1p4", "--1", "+-1", "1-1", "..1", "1e5.5", "12345678901234567890",
}

// Mangles is held against JavaScript itself, where node is installed: what
// JXON.parseText of Thunderbird 153 does with a text.
func TestManglesAgreesWithJavaScript(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "node")
	const script = `
		const parseText = v => /^(?:true|false)$/i.test(v) ? v.toLowerCase() === "true" : isFinite(v) ? parseFloat(v) : v;
		console.log(JSON.stringify(JSON.parse(process.argv[1]).map(v => String(parseText(v)) !== v || typeof parseText(v) !== "string")))`
	list, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "node", "-e", script, string(list)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []bool
	if err := json.Unmarshal(out, &want); err != nil || len(want) != len(texts) {
		t.Fatal(err)
	}
	for i, text := range texts {
		got := Mangles(text)
		edge := text != "" && (isBlank([]rune(text)[0]) || isBlank([]rune(text)[len([]rune(text))-1]))
		if got != (want[i] || edge) {
			t.Errorf("Mangles(%q) = %v; JavaScript changes it: %v", text, got, want[i])
		}
	}
}

func TestManglesWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"00123": true, "True": true, "0x10": true, "1e5": true, " a": true, "": true, "office": false, "1@2": false, "Infinity": false, "1_000": false} {
		if Mangles(text) != want {
			t.Errorf("Mangles(%q) is %v", text, !want)
		}
	}
}
