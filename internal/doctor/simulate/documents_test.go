package simulate

import (
	"fmt"
	"strings"
	"testing"

	"autoconfig/clients/reading"
)

// plainDocument is what the rows about documents change: each value stands in one
// place of the incoming server, and in another of the outgoing one.
const plainDocument = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.com">
    <domain>example.com</domain>
    <displayName>Example Mail</displayName>
    <displayShortName>Example</displayShortName>
    <incomingServer type="imap">
      <hostname>imap.example.com</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.example.com</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>
`

// side is the part of the document that a change is made in.
type side string

const (
	in   side = "incoming"
	out  side = "outgoing"
	both side = "both"
)

// change replaces a text in a part of a document; it panics where there is nothing to
// replace, so that no row is about nothing.
func change(document string, where side, old, text string) string {
	head, tail := document, ""
	if at := strings.Index(document, "<outgoingServer"); where != both && at >= 0 {
		head, tail = document[:at], document[at:]
	}
	part := &head
	if where == out {
		part = &tail
	}
	if !strings.Contains(*part, old) {
		panic(fmt.Sprintf("no %q in the %s part", old, where))
	}
	*part = strings.ReplaceAll(*part, old, text)
	return head + tail
}

func documentRow(name, text string) row {
	return row{name: name, document: &reading.Document{ContentType: xmlType, Body: []byte(text)}}
}

// documentRows are all of them, with the files that other packages' tests have.
func documentRows(t *testing.T) []row {
	t.Helper()
	rows := []row{documentRow("document: plain", plainDocument)}
	said := map[string]bool{}
	for _, e := range elementRows {
		old := "<" + e.tag + ">" + e.old + "</" + e.tag + ">"
		for _, value := range e.values {
			name := fmt.Sprintf("document: %s %s %q", e.where, e.tag, value)
			rows = append(rows, documentRow(name, change(plainDocument, e.where, old, "<"+e.tag+">"+value+"</"+e.tag+">")))
		}
		if said[string(e.where)+e.tag] {
			continue
		}
		said[string(e.where)+e.tag] = true
		rows = append(rows,
			documentRow(fmt.Sprintf("document: %s %s missing", e.where, e.tag), change(plainDocument, e.where, old, "")),
			documentRow(fmt.Sprintf("document: %s %s empty element", e.where, e.tag), change(plainDocument, e.where, old, "<"+e.tag+"/>")))
	}
	for _, c := range changedRows {
		rows = append(rows, documentRow("document: "+c.name, change(plainDocument, c.where, c.old, c.text)))
	}
	for _, w := range wholeRows {
		rows = append(rows, documentRow("document: "+w.name, w.text))
	}
	for _, pattern := range []string{"../../../thunderbird/testdata/thunderbird/*.xml", "../../migrate/testdata/published/*.xml"} {
		rows = append(rows, fileRows(t, pattern)...)
	}
	return rows
}

// elementRows are values of one element, in one server.
var elementRows = []struct {
	where    side
	tag, old string
	values   []string
}{
	{in, "hostname", "imap.example.com", []string{
		"IMAP.Example.COM", " imap.example.com ", "\n        imap.example.com\n      ", "imap.example.com.", "imap", "imap.example.com:993",
		"ssl://imap.example.com", "https://imap.example.com/", "imap_server.example.com", "-imap.example.com", "imap..example.com",
		"192.0.2.1", "192.0.2.300", "0.0.0.0", "2001:db8::1", "[2001:db8::1]", "::", "::1", "fe80::1%eth0", "bücher.example", "xn--bcher-kva.example",
		"imap.%EMAILDOMAIN%", "%EMAILDOMAIN%", "%EMAILLOCALPART%.imap.example.com", "%emaildomain%", "imap.%FOO%.example", "%EMAILADDRESS%",
		"imap.example.com, imap2.example.com", "imap example.com", "true", "0", "1", "1e3", "127.1", "imap.example.com/", "*.example.com",
		"<!-- old -->imap.example.com", "imap.<!-- x -->example.com", "imap.example.com<!-- new -->", "<![CDATA[imap.example.com]]>", "<b>imap.example.com</b>",
		"imap.gmail.com", "imap&#46;example.com", "imap.example.com&#10;", strings.Repeat("a", 64) + ".example.com",
	}},
	{in, "hostname", "imap.example.com", []string{
		"imap.googlemail.com", "imap.google.com", "gmail.com", "notgmail.com", "imap.mail.yahoo.com", "yahoo.com", "yahoo.co.uk", "imap.aol.com", "outlook.office365.com", "imap-mail.outlook.com",
		"outlook.com", "imap.hotmail.com", "imap.mail.ru", "imap.yandex.com", "imap.yandex.ru", "imap.fastmail.com", "imap.comcast.net", "graph.microsoft.com", "IMAP.GMAIL.COM",
	}},
	{out, "hostname", "smtp.example.com", []string{
		"smtp.gmail.com", "smtp.office365.com", "smtp-mail.outlook.com", "smtp.mail.yahoo.com", "smtp.googlemail.com",
		"SMTP.Example.COM", " smtp.example.com ", "smtp.example.com:587", "192.0.2.1", "2001:db8::1", "smtp.%EMAILDOMAIN%", "%EMAILDOMAIN%", "smtp_x.example.com", "true", "smtp.example.com.", "256.1.1.1", "smtp.%FOO%.example", "1.2",
	}},
	{in, "port", "993", []string{
		" 993 ", "\n993\n", "0", "-993", "70000", "65535", "65536", "993.7", "0993", "+993", "0x3e1", "1e3", "993/tcp", "imaps", "993 (SSL)", "９９３", "true", "99999999999999999999", "<![CDATA[993]]>", "9<!-- x -->93", "993,143", "143",
	}},
	{out, "port", "587", []string{" 587 ", "0", "70000", "submission", "465", "25", "587.0", "587/tcp", "-1"}},
	{in, "socketType", "SSL", []string{
		" SSL ", "ssl", "Ssl", "TLS", "SSL/TLS", "STARTTLS", "starttls", "StartTLS", "plain", "PLAIN", "none", "never", "auto", "SSL\n", "<![CDATA[SSL]]>", "SS<!-- x -->L", "1", "true", "S&#83;L",
	}},
	{out, "socketType", "STARTTLS", []string{" STARTTLS ", "starttls", "TLS", "SSL", "plain", "none"}},
	{in, "authentication", "password-cleartext", []string{
		" password-cleartext ", "Password-Cleartext", "plain", "PLAIN", "password-encrypted", "secure", "GSSAPI", "Kerberos", "NTLM", "OAuth2", "oauth2", "none", "client-IP-address", "smtp-after-pop", "TLS-client-cert",
		"password", "login", "CRAM-MD5", "SCRAM-SHA-256", "xoauth2", "password-cleartext, OAuth2", "<![CDATA[password-cleartext]]>", "0",
	}},
	{out, "authentication", "password-cleartext", []string{
		" password-cleartext ", "plain", "password-encrypted", "secure", "GSSAPI", "NTLM", "OAuth2", "none", "None", "client-IP-address", "smtp-after-pop", "TLS-client-cert", "password",
	}},
	{in, "username", "%EMAILADDRESS%", []string{
		"%EMAILLOCALPART%", "%EMAILDOMAIN%", "%REALNAME%", "%EMAILLOCALPART%@%EMAILDOMAIN%", "x-%EMAILLOCALPART%", "%EMAILADDRESS%%EMAILADDRESS%", "%EMAILADDRESS", "EMAILADDRESS%", "%emailaddress%", "%FOO%", "%%EMAILADDRESS%%", "%EMAILADDRESS%@example.com",
		"EVOLUTIONUSER", "EVOLUTIONUSER@example.com", "alice", "00123", "123", "0x10", "0b11", "0o17", "1e5", "1E400", "-0", "+5", ".5", "5.", "1.50", "1_000", "9007199254740993", "123456789012345678901234567890", "0.0000001", "Infinity", "-Infinity", "NaN", "12 34",
		"True", "FALSE", "true ", " alice ", " ", "\n  ", "\n        %EMAILADDRESS%\n      ", "a&amp;b", "<![CDATA[a<b]]>", "<![CDATA[%EMAILADDRESS%]]>", "al<!-- x -->ice", "alice<!-- x -->", "<!-- x -->", "&#97;lice", "<b>alice</b>", "a<b/>b", "a\\b", "a/b", "a b", "jörg", "&#x1F600;", "&#0;", "&nbsp;", "a&b", "undefined", "$&amp;",
	}},
	{out, "username", "%EMAILADDRESS%", []string{
		"%EMAILLOCALPART%", "%REALNAME%", "00123", "0", "true", "false", " ", " alice ", "%EMAILADDRESS", "a<!-- x -->b", "jörg", "иван", "&#x1F600;",
	}},
	{in, "displayName", "Example Mail", []string{
		"007", "True", " Example ", "Bücher &amp; Mehr", "%EMAILDOMAIN%", "%REALNAME%", "&lt;b&gt;", "<b>Example</b>", "  ",
	}},
	{in, "domain", "example.com", []string{
		"other.example", " example.com ", "EXAMPLE.com", "*.example.com", "example.com.", "bücher.example", "xn--bcher-kva.example", "example", "%EMAILDOMAIN%", "0", "1", "false", "example.com, example.net", "_dmarc.example.com", "user@example.com", "https://example.com",
	}},
}
