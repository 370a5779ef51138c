package reading

import (
	"strings"
	"testing"
)

// deltachatSource is where each row comes from; the program isn't run.
const deltachatSource = "https://github.com/chatmail/core 3734114, src/configure/auto_mozilla.rs"

func TestDeltaChat(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		at, old, text string // at is the function that decides
		want          string
	}{
		{"parse_serverparams", "", "", "imap.example.com:993 tls o.neil@example.com"},
		{"parse_xml_reader", "clientConfig", "anything", "imap.example.com:993 tls o.neil@example.com"},
		{"parse_xml_reader", "incomingServer", "INCOMINGSERVER", "imap.example.com:993 tls o.neil@example.com"},
		{"parse_server", `type="imap"`, `TYPE="IMAP"`, "imap.example.com:993 tls o.neil@example.com"},
		{"parse_server", `type="imap"`, `type="pop3"`, "no IMAP server"},
		{"parse_server", "<port>993</port>", "", "no IMAP server"},
		{"parse_server", "<port>993</port>", "<port>x</port>", "imap.example.com:0 tls o.neil@example.com"},
		{"parse_server", "<username>%EMAILADDRESS%</username>", "", "no IMAP server"},
		{"parse_server", ">SSL<", "> starttls <", "imap.example.com:993 starttls o.neil@example.com"},
		{"parse_server", ">SSL<", ">TLS<", "imap.example.com:993  o.neil@example.com"},
		{"parse_server", ">imap.example.com<", ">imap.%EMAILDOMAIN%<", "imap.example.com:993 tls o.neil@example.com"},
		{"parse_server", ">imap.example.com<", ">imap.<!-- x -->example.org<", "example.org:993 tls o.neil@example.com"},
		{"parse_server", "<authentication>password-cleartext</authentication>", "", "imap.example.com:993 tls o.neil@example.com"},
		{"parse_server", ">%EMAILADDRESS%<", ">%EMAILLOCALPART%<", "imap.example.com:993 tls o.neil"},
		{"parse_server", ">%EMAILADDRESS%<", ">%REALNAME%<", "imap.example.com:993 tls %REALNAME%"},
		{"parse_server", ">%EMAILADDRESS%<", ">00123<", "imap.example.com:993 tls 00123"},
		{"parse_xml_reader", "</emailProvider></clientConfig>", "", "imap.example.com:993 tls o.neil@example.com"},
		{"parse_xml_reader", ` id="example.com"`, "", "imap.example.com:993 tls o.neil@example.com"},
	} {
		t.Run(r.at+" "+r.text, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(document, r.old, r.text)
			if r.old == "" {
				text = document
			}
			got, err := DeltaChat(Document{"text/xml", []byte(text)}, Person{Email: "o.neil@example.com", RealName: "O'Neil"})
			said := ""
			if err != nil {
				said = err.Error()
			} else {
				s := got.Incoming
				said = s.Host + ":" + formatNumber(float64(s.Port)) + " " + string(s.Security) + " " + s.Username
			}
			if !strings.Contains(said, r.want) {
				t.Errorf("%s of %s: %q, want %q", r.at, deltachatSource, said, r.want)
			}
		})
	}
}
