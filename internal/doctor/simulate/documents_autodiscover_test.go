package simulate

import (
	"fmt"
	"strings"
	"testing"

	"autoconfig/clients/reading"
)

const plainPOX = `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <User><DisplayName>Alice</DisplayName></User>
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>IMAP</Type>
        <Server>imap.example.com</Server>
        <Port>993</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>alice</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <AuthRequired>on</AuthRequired>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>smtp.example.com</Server>
        <Port>587</Port>
        <LoginName>alice</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>TLS</Encryption>
        <AuthRequired>on</AuthRequired>
        <UsePOPAuth>off</UsePOPAuth>
        <SMTPLast>off</SMTPLast>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
`

const (
	popProtocol  = "<Protocol><Type>POP3</Type><Server>pop.example.com</Server><Port>995</Port><LoginName>pop</LoginName><SPA>off</SPA><SSL>on</SSL></Protocol>"
	exchProtocol = "<Protocol><Type>EXCH</Type><Server>exch.example.com</Server><EwsUrl>https://ews.example.com/EWS/Exchange.asmx</EwsUrl><ASUrl>https://as.example.com/</ASUrl></Protocol>"
	exprProtocol = "<Protocol><Type>EXPR</Type><Server>rpc.example.com</Server><EwsUrl>https://ews.example.com/EWS/Exchange.asmx</EwsUrl></Protocol>"
	webProtocol  = `<Protocol><Type>WEB</Type><External><OWAUrl AuthenticationMethod="Fba">https://owa.example.com/owa/</OWAUrl></External></Protocol>`
)

// poxRows are Autodiscover answers. Each changes the incoming server alone, as far as it
// is about a server.
func poxRows(t *testing.T) []row {
	t.Helper()
	rows := []row{poxRow("plain", plainPOX)}
	head, tail, _ := strings.Cut(plainPOX, "</Protocol>")
	for _, e := range poxValues {
		old := "<" + e.tag + ">" + e.old + "</" + e.tag + ">"
		if !strings.Contains(head, old) {
			panic("no " + old)
		}
		with := func(text string) string { return strings.Replace(head, old, text, 1) + "</Protocol>" + tail }
		for _, value := range e.values {
			rows = append(rows, poxRow(fmt.Sprintf("%s %q", e.tag, value), with("<"+e.tag+">"+value+"</"+e.tag+">")))
		}
		rows = append(rows, poxRow(e.tag+" missing", with("")), poxRow(e.tag+" empty", with("<"+e.tag+"/>")))
	}
	for _, c := range poxChanges {
		if !strings.Contains(plainPOX, c.old) {
			panic("no " + c.old)
		}
		rows = append(rows, poxRow(c.name, strings.Replace(plainPOX, c.old, c.text, 1)))
	}
	for _, file := range fileRows(t, "../../../autodiscover/testdata/outlook/*.xml") {
		rows = append(rows, poxRow(file.name, string(file.document.Body)))
	}
	return append(rows,
		poxRow("a prefix", prefixed(plainPOX)),
		poxRow("Exchange alone", poxHead+exchProtocol+"</Account></Response></Autodiscover>"),
		poxRow("Exchange and the web alone", poxHead+exchProtocol+webProtocol+"</Account></Response></Autodiscover>"),
		poxRow("no protocol", poxHead+"</Account></Response></Autodiscover>"),
		poxRow("an empty account", `<Autodiscover><Response><Account/></Response></Autodiscover>`),
		poxRow("an error", `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response><Error Time="10:00:00.0000000" Id="1"><ErrorCode>600</ErrorCode><Message>Invalid Request</Message><DebugData/></Error></Response></Autodiscover>`),
		poxRow("redirectUrl", poxHead+`<Action>redirectUrl</Action><RedirectUrl>https://x.example.com/autodiscover/autodiscover.xml</RedirectUrl></Account></Response></Autodiscover>`),
		poxRow("an autoconfig document", plainDocument),
		poxRow("no declaration", plainPOX[strings.Index(plainPOX, "<Autodiscover"):]),
		poxRow("a DOCTYPE", "<!DOCTYPE Autodiscover>"+plainPOX[strings.Index(plainPOX, "<Autodiscover"):]),
		poxRow("cut", plainPOX[:len(plainPOX)-30]),
		poxRow("a byte order mark", "\uFEFF"+plainPOX),
		poxRow("no namespaces", strings.NewReplacer(` xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"`, "", ` xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"`, "").Replace(plainPOX)),
		poxRow("namespaces by https", strings.ReplaceAll(plainPOX, "http://", "https://")),
		poxRow("names in small letters", strings.ToLower(plainPOX)),
	)
}

func poxRow(name, text string) row {
	d := &reading.Document{ContentType: xmlType, Body: []byte(text)}
	return row{
		name: "autodiscover: " + name, pox: d,
		pages: pages{"https://autodiscover.D": pox(say(200, d.ContentType, text))},
	}
}

func prefixed(text string) string {
	text = strings.NewReplacer("</", "</a:", "<?", "<?", "<", "<a:", "xmlns=", "xmlns:a=").Replace(text)
	return text
}

var poxValues = []struct {
	tag, old string
	values   []string
}{
	{"Type", "IMAP", []string{"imap", "POP3", "POP", "IMAP4", " IMAP ", "EXCH", "EXPR", "CalDAV", "SMTP", "WEB"}},
	{"Server", "imap.example.com", []string{" imap.example.com ", "IMAP.Example.com", "imap.example.com:993", "ssl://imap.example.com", "192.0.2.1", "2001:db8::1", "imap.%EMAILDOMAIN%", "im_ap.example.com", "0", "imap.example.com."}},
	{"Port", "993", []string{"0", "-1", "70000", "143", "110", "25", "587", "465", "imaps", " 993 ", "993.5", "0x3e1"}},
	{"LoginName", "alice", []string{"%EMAILADDRESS%", "%EMAILLOCALPART%", "%emailaddress%", "0042", "0", "true", "false", " ", " alice ", "DOMAIN\\alice", "alice@example.com", "jörg"}},
	{"SPA", "off", []string{"on", "On", "true", "false", "0", "1", " on ", "no"}},
	{"SSL", "on", []string{"off", "Off", "OFF", "true", "false", "1", "0", "yes", " off ", "no"}},
	{"AuthRequired", "on", []string{"off"}},
	{"DomainRequired", "off", []string{"on"}},
}

var poxChanges = []struct{ name, old, text string }{
	{"Encryption None", "<SSL>on</SSL>", "<SSL>on</SSL><Encryption>None</Encryption>"},
	{"Encryption SSL", "<SSL>on</SSL>", "<Encryption>SSL</Encryption>"},
	{"Encryption TLS, SSL off", "<SSL>on</SSL>", "<SSL>off</SSL><Encryption>TLS</Encryption>"},
	{"Encryption Auto", "<SSL>on</SSL>", "<Encryption>Auto</Encryption>"},
	{"Encryption a number", "<SSL>on</SSL>", "<Encryption>1</Encryption>"},
	{"two servers", "<Server>", "<Server>first.example.com</Server><Server>"},
	{"a server with an attribute", "<Server>", `<Server x="1">`},
	{"a type with an attribute", "<Type>", `<Type x="1">`},
	{"a type as an attribute", "<Protocol>\n        <Type>IMAP</Type>", `<Protocol Type="IMAP">`},
	{"no SMTP", "<Type>SMTP</Type>", "<Type>NONE</Type>"},
	{"POP3 before", "<Protocol>", popProtocol + "<Protocol>"},
	{"POP3 after", "</Account>", popProtocol + "</Account>"},
	{"Exchange before", "<Protocol>", exchProtocol + "<Protocol>"},
	{"Exchange after", "</Account>", exchProtocol + "</Account>"},
	{"EXPR before", "<Protocol>", exprProtocol + "<Protocol>"},
	{"the web after", "</Account>", webProtocol + "</Account>"},
	{"Exchange without a URL", "<Protocol>", "<Protocol><Type>EXCH</Type><Server>x.example.com</Server></Protocol><Protocol>"},
	{"two SMTP", "</Account>", "<Protocol><Type>SMTP</Type><Server>second.example.com</Server><Port>465</Port></Protocol></Account>"},
	{"a broken SMTP before", "<Protocol>", "<Protocol><Type>SMTP</Type><Server>broken.example.com</Server></Protocol><Protocol>"},
	{"SMTP at port 0 before", "<Protocol>", "<Protocol><Type>SMTP</Type><Server>broken.example.com</Server><Port>0</Port></Protocol><Protocol>"},
	{"two accounts", "<Account>", "<Account><Action>settings</Action>" + popProtocol + "</Account><Account>"},
	{"two responses", "<Response", "<Response><Account>" + popProtocol + "</Account></Response><Response"},
	{"an error beside", "<User>", "<Error><ErrorCode>500</ErrorCode></Error><User>"},
	{"an empty RedirectAddr", "<Action>settings</Action>", "<Action>settings</Action><RedirectAddr></RedirectAddr>"},
	{"RedirectUrl beside", "<Action>settings</Action>", "<Action>redirectUrl</Action><RedirectUrl>https://x.example.com/</RedirectUrl>"},
	{"another AccountType", "<AccountType>email", "<AccountType>nntp"},
	{"another Action", "<Action>settings", "<Action>settings2"},
	{"a comment", "<Server>imap", "<Server><!-- x -->imap"},
	{"an unknown element", "<Protocol>", "<MicrosoftOnline>False</MicrosoftOnline><Protocol><TTL>1</TTL>"},
	{"an ExpirationDate and TTL", "<SSL>on</SSL>", "<SSL>on</SSL><TTL>1</TTL><ExpirationDate>20300101</ExpirationDate>"},
}
