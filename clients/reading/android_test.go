package reading

import (
	"errors"
	"strings"
	"testing"
)

// androidSource is where each row comes from; the program isn't run.
const androidSource = "https://github.com/thunderbird/thunderbird-android f88679b, feature/autodiscovery/autoconfig/src/main/kotlin/" +
	"app/k9mail/autodiscovery/autoconfig/RealAutoconfigParser.kt"

const document = `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain>` +
	`<incomingServer type="imap"><hostname>imap.example.com</hostname><port>993</port><socketType>SSL</socketType>` +
	`<authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>` +
	`<outgoingServer type="smtp"><hostname>smtp.example.com</hostname><port>465</port><socketType>SSL</socketType>` +
	`<authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></outgoingServer></emailProvider></clientConfig>`

const pop3 = `<incomingServer type="pop3"><hostname>pop.example.com</hostname></incomingServer>`

// Each row changes the first place of the document that has the text.
var androidRows = []struct {
	at, old, text string // at is the function that decides
	// want is the incoming server, or why there is none
	want string
}{
	{"parseServer", "", "", "imap.example.com o.neil@example.com password"},
	{"parseEmailProvider", ` id="example.com"`, "", "the id of <emailProvider>"},
	{"isValidHostname", ` id="example.com"`, ` id="My Provider"`, "the id of <emailProvider>"},
	{"isValidHostname", ` id="example.com"`, ` id=" example.com "`, "imap.example.com o.neil@example.com password"},
	{"parseEmailProvider", "<domain>example.com</domain>", "", "no valid <domain>"},
	{"parseEmailProvider", "<domain>example.com", "<domain>%EMAILDOMAIN%", "imap.example.com o.neil@example.com password"},
	{"parseEmailProvider", "<domain>example.com", "<domain>*.example.com", "no valid <domain>"},
	{"readHostname", "imap.example.com", "imap.%EMAILDOMAIN%", "imap.example.com o.neil@example.com password"},
	{"readHostname", "imap.example.com", "imap.example.com:993", "is not a host name"},
	{"readHostname", "imap.example.com", "%REALNAME%", "is not a host name"},
	{"readPort", ">993<", "> 993 <", "is not a port"},
	{"readPort", ">993<", ">70000<", "is not a port"},
	{"readPort", ">993<", ">993.0<", "is not a port"},
	{"parseServer", "<port>993</port>", "", "no usable <port>"},
	{"toConnectionSecurity", ">SSL<", ">plain<", "socketType"},
	{"toConnectionSecurity", ">SSL<", ">ssl<", "socketType"},
	{"toConnectionSecurity", ">SSL<", "> SSL <", "socketType"},
	{"toAuthenticationType", ">password-cleartext<", ">plain<", "no usable <authentication>"},
	{"toAuthenticationType", ">password-cleartext<", "><", "no usable <authentication>"},
	{"toAuthenticationType", ">password-cleartext<", ">NTLM</authentication><authentication>password-encrypted<", "imap.example.com o.neil@example.com encrypted password"},
	{"toAuthenticationType", ">password-cleartext<", ">OAuth2<", "imap.example.com o.neil@example.com OAuth2"},
	{"readUsername", ">%EMAILADDRESS%<", ">%EMAILLOCALPART%<", "imap.example.com o.neil password"},
	{"readUsername", ">%EMAILADDRESS%<", ">00123<", "imap.example.com 00123 password"},
	{"readUsername", ">%EMAILADDRESS%<", "> x <", "imap.example.com  x  password"},
	{"parseServer", "<username>%EMAILADDRESS%</username>", "", "no usable <username>"},
	{"readText", ">imap.example.com<", "><b>imap.example.com</b><", "another element in it"},
	{"parseServer", `type="imap"`, `type="IMAP"`, "no IMAP server"},
	{"parseServer", "<incomingServer", pop3 + "<incomingServer", "imap.example.com o.neil@example.com password"},
	{"parseServer", "<incomingServer", strings.Replace(pop3, "pop3", "imap", 1) + "<incomingServer", "no usable <port>"},
	{"parseServer", `type="imap"`, `type="imap" x="y"`, "imap.example.com o.neil@example.com password"},
	{"parseEmailProvider", "outgoingServer", "otherServer", "isn't closed"},
	{"parse", "clientConfig", "config", "isn't closed"},
	{"parse", "<?xml version=\"1.0\"?>", "\uFEFF", "imap.example.com o.neil@example.com password"},
	{"parse", "</clientConfig>", "", "isn't closed"},
}

func TestThunderbirdForAndroid(t *testing.T) {
	t.Parallel()
	for _, r := range androidRows {
		t.Run(r.at+" "+r.text, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(document, r.old, r.text, 1)
			got, err := Android(Document{"text/xml", []byte(text)}, Person{Email: "o.neil@example.com"})
			said := ""
			if err != nil {
				said = err.Error()
				if !errors.Is(err, ErrRefused) {
					t.Errorf("%v is no refusal", err)
				}
			} else {
				said = got.Incoming.Host + " " + got.Incoming.Username + " " + got.Incoming.Auth
			}
			if !strings.Contains(said, r.want) {
				t.Errorf("%s of %s: %q, want %q", r.at, androidSource, said, r.want)
			}
		})
	}
}
