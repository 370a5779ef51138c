package mobileconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

func TestParseReadsWhatIsRendered(t *testing.T) {
	t.Parallel()
	chain, key := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"profiles.example.com"}}).PEM(t)
	identity, err := ParseIdentity(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range cases {
		s := office()
		change(&s)
		text, err := Render(s)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := identity.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{text, signed} {
			p, err := Parse(data)
			if err != nil || p.Protocol != s.Decision.Protocol || p.Incoming.Host != s.Incoming.Host || p.Outgoing.Port != s.Outgoing.Port ||
				!p.Incoming.UseSSL || p.Incoming.Username != s.IncomingLogin.Literal || p.Signed != (&data[0] == &signed[0]) {
				t.Errorf("%s: %+v %v", name, p, err)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	mail := "<plist><dict><key>PayloadContent</key><array><dict><key>PayloadType</key><string>com.apple.mail.managed</string></dict></array></dict></plist>"
	for name, text := range map[string]string{
		"empty": "", "HTML": "<html></html>", "another list": "<plist><array/></plist>", "no mail": "<plist><dict/></plist>",
		"no type": mail, "cut": mail[:60], "too large": strings.Repeat(" ", MaxProfile+1),
	} {
		if p, err := Parse([]byte(text)); !errors.Is(err, ErrProfile) {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/apple/*.mobileconfig")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	chain, key := testkit.NewCA(f).Issue(f, testkit.Leaf{Names: []string{"profiles.example.com"}}).PEM(f)
	if identity, err := ParseIdentity(chain, key); err == nil {
		if signed, err := identity.Sign([]byte("<plist/>")); err == nil {
			f.Add(signed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil && !errors.Is(err, ErrProfile) || err == nil && p.Protocol == "" {
			t.Fatalf("%+v %v", p, err)
		}
	})
}
