package simulate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"autoconfig/clients/reading"
	"autoconfig/internal/testkit"
)

// drawnRows are documents drawn by a grammar: DRAWN of them, or 100. DRAW_SEED begins
// another series.
func drawnRows(t *testing.T) []row {
	t.Helper()
	count, seed := testkit.Size(t, "DRAWN", 100), testkit.Size(t, "DRAW_SEED", 1)
	d := &drawer{rand.New(rand.NewPCG(uint64(seed), 0))}
	rows := make([]row, count)
	for i := range rows {
		rows[i] = documentRow(fmt.Sprintf("drawn: %d of %d", i, seed), d.document())
	}
	return rows
}

// providerRows are the files in the folder PROVIDERS: those of a public database.
func providerRows(t *testing.T) []row {
	t.Helper()
	folder := os.Getenv("PROVIDERS")
	if folder == "" {
		return nil
	}
	return fileRows(t, filepath.Join(folder, "*.xml"))
}

func fileRows(t *testing.T, pattern string) []row {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	var rows []row
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, documentRow("file: "+filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), string(text)))
	}
	return rows
}

// readAlike holds what a program made of documents against our reader.
func readAlike(t *testing.T, rows []row, ask func(...row) []verdict, read func(reading.Document, reading.Person) (*reading.Account, error)) {
	t.Helper()
	for range 3 {
		var differ []row
		for i, v := range ask(rows...) {
			account, _ := read(*rows[i].document, rows[i].person())
			if !gocmp.Equal(v.Account, rows[i].abstract(verdict{Account: account}).Account) {
				differ = append(differ, rows[i])
			}
		}
		if rows = differ; len(rows) == 0 {
			return
		}
	}
	for i, v := range ask(rows...) {
		account, err := read(*rows[i].document, rows[i].person())
		t.Errorf("%s: the program (%s) and our reader (%v):\n%s\n%s", v.Row, v.Why, err,
			gocmp.Diff(v.Account, rows[i].abstract(verdict{Account: account}).Account), rows[i].document.Body)
	}
}

// drawer draws documents: most of what it writes is as it should be, so that what is
// odd is seen among good neighbours.
type drawer struct{ *rand.Rand }

func (d *drawer) odds(percent int) bool { return d.IntN(100) < percent }

func (d *drawer) one(list ...string) string { return list[d.IntN(len(list))] }

// mostly is the first text, and sometimes one of the others.
func (d *drawer) mostly(good string, odd ...string) string {
	if d.odds(85) {
		return good
	}
	return d.one(odd...)
}

func (d *drawer) document() string {
	var out strings.Builder
	out.WriteString(d.mostly(`<?xml version="1.0" encoding="UTF-8"?>`, "", "\n", `<?xml version="1.1"?>`, `<?xml version='1.0' standalone='no' ?>`, `<?xml version="1.0" encoding="us-ascii"?>`, "\uFEFF"))
	entity := d.odds(15)
	if entity {
		out.WriteString("\n<!DOCTYPE clientConfig [" + d.one(`<!ENTITY e "imap.example.com">`, `<!ENTITY e "a&amp;b">`, `<!ENTITY f "x"><!ENTITY e "&f;y">`, `<!ENTITY e "<port>143</port>">`) + "]>")
	}
	out.WriteString(d.gap() + "<clientConfig" + d.mostly(` version="1.1"`, ``, ` version="1.1" x="y"`, ` xmlns="urn:x"`) + ">" + d.gap())
	for range d.mostlyOne() {
		out.WriteString(d.provider())
	}
	out.WriteString(d.mostly("", `<webMail><loginPage url="https://example.com/"/></webMail>`, "<oAuth2><issuer>x</issuer></oAuth2>", secondIMAP) + "</clientConfig>" + d.gap())
	text := out.String()
	if entity && d.odds(70) {
		text = strings.Replace(text, d.one("imap.example.com", "%EMAILADDRESS%", "<hostname>"), "&e;", 1)
	}
	if d.odds(6) {
		text = d.broken(text)
	}
	return text
}

// mostlyOne is a number of times.
func (d *drawer) mostlyOne() int { return []int{1, 1, 1, 1, 1, 1, 1, 1, 2, 0}[d.IntN(10)] }

func (d *drawer) gap() string {
	return d.mostly(d.one("\n", "\n    ", ""), "<!-- a comment -->", "\n<!-- <port>1</port> -->\n", "<?instruction?>", "\r\n", "\t")
}

// broken is a text with one fault, which a reader may or may not mind.
func (d *drawer) broken(text string) string {
	at := d.IntN(len(text))
	switch d.IntN(4) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + text[at+1:]
	case 2:
		return text[:at] + d.one("<", ">", "&", "\"", "/", "]]>", "--", " ") + text[at:]
	}
	return text + d.one("x", "<y/>", text)
}

func (d *drawer) provider() string {
	parts := []string{}
	for range []int{1, 1, 1, 1, 2, 3, 0}[d.IntN(7)] {
		parts = append(parts, d.element("domain", d.mostly("example.com", "*.example.com", "EXAMPLE.com", " example.org ", "1", "", "a b", "%EMAILDOMAIN%", "bücher.example")))
	}
	if d.odds(90) {
		parts = append(parts, d.element("displayName", d.mostly("Example Mail", "007", "%EMAILDOMAIN% mail", "true", "", " x ", "B&amp;B", "Bücher")))
	}
	for range []int{1, 1, 1, 2, 2, 3, 0}[d.IntN(7)] {
		parts = append(parts, d.incoming())
	}
	for range []int{1, 1, 1, 1, 2, 2, 0}[d.IntN(7)] {
		parts = append(parts, d.outgoing())
	}
	if d.odds(20) {
		parts = append(parts, d.one(`<documentation url="https://example.com/"><descr lang="en">x</descr></documentation>`, "<x>y</x>", `<enable visiturl="https://example.com/"/>`))
	}
	if d.odds(20) {
		d.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	return "<emailProvider" + d.mostly(` id="example.com"`, "", ` id=""`, ` id="My Provider"`, ` id="1"`, ` id="example.com" x="y"`) + ">" + d.join(parts) + "</emailProvider>"
}

func (d *drawer) join(parts []string) string {
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(d.gap() + p)
	}
	return out.String() + d.gap()
}

// element writes one, seldom with something beside its text.
func (d *drawer) element(tag, text string) string {
	if d.odds(94) {
		return "<" + tag + ">" + text + "</" + tag + ">"
	}
	return d.one("<"+tag+"/>", "<"+tag+"></"+tag+">", "<"+tag+` x="y">`+text+"</"+tag+">", "<"+tag+"><![CDATA["+text+"]]></"+tag+">",
		"<"+tag+"><!-- x -->"+text+"</"+tag+">", "<"+tag+">"+text+"<!-- x --></"+tag+">", "<"+tag+"><b>"+text+"</b></"+tag+">", "<"+strings.ToUpper(tag)+">"+text+"</"+strings.ToUpper(tag)+">",
		"<"+tag+">"+text+"</"+tag+"><"+tag+">"+text+"2</"+tag+">")
}

func (d *drawer) incoming() string {
	kind := d.mostly("imap", "pop3", "pop3", "pop3", "IMAP", "jmap", "exchange", "nntp", "smtp", "")
	host := d.mostly(d.one("imap.example.com", "pop.example.com"), drawnHosts...)
	parts := d.server(host, d.one("993", "995", "143", "110"), []string{"password-cleartext", "password-encrypted", "OAuth2", "GSSAPI", "none", "NTLM", "plain", "TLS-client-cert", " password-cleartext", ""})
	if d.odds(25) {
		parts = append(parts, "<pop3>"+d.element("leaveMessagesOnServer", d.mostly(d.one("true", "false"), "TRUE", "1", "yes", ""))+
			d.element("daysToLeaveMessagesOnServer", d.mostly(d.one("9", "30"), "-1", "x", "", "2.9", "0"))+"</pop3>")
	}
	return "<incomingServer" + d.mostly(` type="`+kind+`"`, "", ` type="`+kind+`" x="y"`, ` x="y"`) + ">" + d.join(parts) + "</incomingServer>"
}

func (d *drawer) outgoing() string {
	host := d.mostly("smtp.example.com", drawnHosts...)
	parts := d.server(host, d.one("465", "587", "25"), []string{"none", "password-encrypted", "OAuth2", "client-IP-address", "smtp-after-pop", "NTLM", "secure", "x", ""})
	return "<outgoingServer" + d.mostly(` type="smtp"`, "", ` type="SMTP"`, ` type="smtp" x="y"`, ` type="imap"`) + ">" + d.join(parts) + "</outgoingServer>"
}

var drawnHosts = []string{
	"IMAP.EXAMPLE.com", " mail.example.com\n", "mail.%EMAILDOMAIN%", "%EMAILDOMAIN%", "mail.example.com:993", "ma_il.example.com", "192.0.2.7", "2001:db8::7", "256.1.1.1", "1.2", "%emaildomain%", "mail.example.com.", "", "imap.gmail.com", "bücher.example", "0", "-x", "a..b",
}

func (d *drawer) server(host, port string, odd []string) []string {
	parts := []string{
		d.element("hostname", host),
		d.element("port", d.mostly(port, "0", "", " 993 ", "993.5", "99999", "-1", "imaps", "0x1F", "1e2", "993tls")),
		d.element("socketType", d.mostly(d.one("SSL", "STARTTLS"), "plain", "ssl", "TLS", " SSL", "", "never")),
	}
	for range []int{1, 1, 1, 1, 2, 3}[d.IntN(6)] {
		parts = append(parts, d.element("authentication", d.mostly("password-cleartext", odd...)))
	}
	parts = append(parts, d.element("username", d.mostly(d.one("%EMAILADDRESS%", "%EMAILLOCALPART%"), drawnUsers...)))
	if d.odds(15) { // one is missing
		i := d.IntN(len(parts))
		parts = append(parts[:i], parts[i+1:]...)
	}
	if d.odds(10) {
		parts = append(parts, d.one("<url>https://web.example.com/x</url>", "<password>secret</password>", "<restriction>x</restriction>", "<useGlobalPreferredServer>true</useGlobalPreferredServer>", "<x><username>inner</username></x>"))
	}
	if d.odds(20) {
		d.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	return parts
}

var drawnUsers = []string{
	"alice", "00123", "1e3", "0x10", "true", "FALSE", " alice ", "", " ", "\n", "%EMAILDOMAIN%", "%REALNAME%", "%EMAILLOCALPART%@%EMAILDOMAIN%", "x%EMAILADDRESS%y%EMAILLOCALPART%", "%EMAILADDRESS", "%FOO%", "EVOLUTIONUSER", "a&amp;b", "a&#x20;b", "-0", "1.50", "NaN", "Infinity", "12 34", "1_000", ".", "+1", "١٢", "a\tb", "a\nb",
}
