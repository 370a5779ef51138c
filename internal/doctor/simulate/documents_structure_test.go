package simulate

import "strings"

// server is one more server for a document.
func server(side, kind, host, port, socket, rest string) string {
	return "<" + side + `Server type="` + kind + `"><hostname>` + host + "</hostname><port>" + port + "</port><socketType>" + socket +
		"</socketType>" + rest + "</" + side + "Server>"
}

const (
	byPassword = "<authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username>"
	firstIn    = `<incomingServer type="imap">`
	firstOut   = `<outgoingServer type="smtp">`
	afterIn    = "</incomingServer>"
	afterOut   = "</outgoingServer>"
)

var (
	secondIMAP = server("incoming", "imap", "second.example.com", "993", "SSL", byPassword)
	pop3Server = server("incoming", "pop3", "pop.example.com", "995", "SSL", byPassword)
	secondSMTP = server("outgoing", "smtp", "second.example.com", "465", "SSL", byPassword)
	brokenIMAP = server("incoming", "imap", "broken.example.com", "0", "SSL", byPassword)
	brokenSMTP = server("outgoing", "smtp", "broken.example.com", "0", "SSL", byPassword)
	withEWS    = server("incoming", "exchange", "ews.example.com", "443", "SSL", "<ewsURL>https://ews.example.com/EWS/Exchange.asmx</ewsURL>"+byPassword)
	newEWS     = `<incomingServer type="ews"><url>https://ews.example.com/EWS/Exchange.asmx</url>` + byPassword + "</incomingServer>"
)

// pop3With is the plain document with POP3 for IMAP, and something about retention.
func pop3With(rest string) string {
	return server("incoming", "pop3", "pop.example.com", "995", "SSL", byPassword+rest) + firstOut
}

// changedRows are other changes of the plain document.
var changedRows = []struct {
	name      string
	where     side
	old, text string
}{
	{"incoming type in capitals", in, `type="imap"`, `type="IMAP"`},
	{"incoming type missing", in, ` type="imap"`, ``},
	{"incoming type empty", in, `type="imap"`, `type=""`},
	{"incoming type with a blank", in, `type="imap"`, `type=" imap"`},
	{"incoming type unknown", in, `type="imap"`, `type="jmap"`},
	{"incoming type smtp", in, `type="imap"`, `type="smtp"`},
	{"incoming type nntp", in, `type="imap"`, `type="nntp"`},
	{"incoming type imaps", in, `type="imap"`, `type="imaps"`},
	{"incoming type in single quotes", in, `type="imap"`, `type='imap'`},
	{"incoming type by a character reference", in, `type="imap"`, `type="&#105;map"`},
	{"incoming type as an element", in, firstIn, `<incomingServer><type>imap</type>`},
	{"incoming with one more attribute", in, `type="imap"`, `type="imap" id="x"`},
	{"incoming with type twice", in, `type="imap"`, `type="imap" type="pop3"`},
	{"incoming with another namespace", in, `type="imap"`, `type="imap" xmlns="urn:x"`},
	{"outgoing type in capitals", out, `type="smtp"`, `type="SMTP"`},
	{"outgoing type missing", out, ` type="smtp"`, ``},
	{"outgoing type submission", out, `type="smtp"`, `type="submission"`},
	{"outgoing with one more attribute", out, `type="smtp"`, `type="smtp" priority="1"`},

	{"two IMAP servers", in, afterIn, afterIn + secondIMAP},
	{"POP3 after IMAP", in, afterIn, afterIn + pop3Server},
	{"POP3 before IMAP", in, firstIn, pop3Server + firstIn},
	{"broken IMAP before", in, firstIn, brokenIMAP + firstIn},
	{"broken IMAP after", in, afterIn, afterIn + brokenIMAP},
	{"broken IMAP before POP3", in, firstIn, brokenIMAP + pop3Server + firstIn},
	{"two SMTP servers", out, afterOut, afterOut + secondSMTP},
	{"broken SMTP before", out, firstOut, brokenSMTP + firstOut},
	{"broken SMTP after", out, afterOut, afterOut + brokenSMTP},
	{"outgoing before incoming", in, firstIn, secondSMTP + firstIn},
	{"no outgoing server", both, firstOut, `<noServer type="smtp">`},
	{"exchange before IMAP", in, firstIn, withEWS + firstIn},
	{"exchange after IMAP", in, afterIn, afterIn + withEWS},
	{"ews before IMAP", in, firstIn, newEWS + firstIn},
	{"ews after IMAP", in, afterIn, afterIn + newEWS},
	{"ews with a plain URL before IMAP", in, firstIn, strings.ReplaceAll(newEWS, "https:", "http:") + firstIn},
	{"ews with a port before IMAP", in, firstIn, strings.ReplaceAll(newEWS, "ews.example.com/", "ews.example.com:8443/") + firstIn},
	{"ews without a URL before IMAP", in, firstIn, strings.ReplaceAll(newEWS, "url>", "URL>") + firstIn},
	{"graph before IMAP", in, firstIn, strings.ReplaceAll(newEWS, `"ews"`, `"graph"`) + firstIn},
	{"a url in an IMAP server", in, "<port>993", "<url>https://web.example.com/</url><port>993"},
	{"an odd url in an IMAP server", in, "<port>993", "<url>imap://web.example.com/</url><port>993"},

	{"two hostnames", in, "<hostname>", "<hostname>first.example.com</hostname><hostname>"},
	{"two hostnames, the first Google's", in, "<hostname>", "<hostname>imap.gmail.com</hostname><hostname>"},
	{"two hostnames, the second Google's", in, "</hostname>", "</hostname><hostname>imap.gmail.com</hostname>"},
	{"a host that has Google's within", in, "imap.example.com", "imap.gmail.com.example.com"},
	{"Google's host before a password", in, "<hostname>imap.example.com</hostname>", "<authentication>password-encrypted</authentication><hostname>imap.gmail.com</hostname>"},
	{"two ports", in, "<port>", "<port>143</port><port>"},
	{"two usernames", in, "<username>", "<username>first</username><username>"},
	{"two socketTypes", in, "<socketType>", "<socketType>STARTTLS</socketType><socketType>"},
	{"an unknown socketType before", in, "<socketType>", "<socketType>TLS</socketType><socketType>"},
	{"an unknown socketType after", in, "</socketType>", "</socketType><socketType>TLS</socketType>"},
	{"two authentications", in, "<authentication>", "<authentication>password-encrypted</authentication><authentication>"},
	{"OAuth2 before a password", in, "<authentication>", "<authentication>OAuth2</authentication><authentication>"},
	{"OAuth2 after a password", in, "</authentication>", "</authentication><authentication>OAuth2</authentication>"},
	{"an unknown authentication before", in, "<authentication>", "<authentication>SCRAM-SHA-256</authentication><authentication>"},
	{"GSSAPI before a password", in, "<authentication>", "<authentication>GSSAPI</authentication><authentication>"},
	{"TLS-client-cert before a password", in, "<authentication>", "<authentication>TLS-client-cert</authentication><authentication>"},
	{"authentication with an attribute", in, "<authentication>", `<authentication kind="x">`},
	{"username with an attribute", in, "<username>", `<username xml:lang="en">`},
	{"hostname with an attribute", in, "<hostname>", `<hostname note="x">`},
	{"port with an attribute", in, "<port>", `<port note="x">`},
	{"socketType with an attribute", in, "<socketType>", `<socketType note="x">`},
	{"elements in another order", in, firstIn, firstIn + "<restriction>clientPlatform</restriction><password>secret</password>"},
	{"elements in capitals", in, "hostname>", "Hostname>"},
	{"an unknown element", in, firstIn, firstIn + "<x><hostname>inner.example.com</hostname></x>"},
	{"open relay without a username", out, "<authentication>password-cleartext</authentication>\n      <username>%EMAILADDRESS%</username>", "<authentication>none</authentication>"},
	{"GSSAPI without a username", out, "<authentication>password-cleartext</authentication>\n      <username>%EMAILADDRESS%</username>", "<authentication>GSSAPI</authentication>"},
	{"addThisServer and useGlobalPreferredServer", out, firstOut, firstOut + "<addThisServer>false</addThisServer><useGlobalPreferredServer>true</useGlobalPreferredServer>"},

	{"POP3", both, firstOut, pop3Server + firstOut},
	{"retention: 9 days", both, firstOut, pop3With("<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer><daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer></pop3>")},
	{"POP3 alone, 9 days", both, firstIn, strings.TrimSuffix(pop3With("<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer><daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, leaves nothing", both, firstIn, strings.TrimSuffix(pop3With("<pop3><leaveMessagesOnServer>False</leaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, a bad value before the days", both, firstIn, strings.TrimSuffix(pop3With("<pop3><leaveMessagesOnServer>yes</leaveMessagesOnServer><daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, 1 for true", both, firstIn, strings.TrimSuffix(pop3With("<pop3><leaveMessagesOnServer>1</leaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, days in words", both, firstIn, strings.TrimSuffix(pop3With("<pop3><daysToLeaveMessagesOnServer>nine</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, days with a unit", both, firstIn, strings.TrimSuffix(pop3With("<pop3><daysToLeaveMessagesOnServer>9 days</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, days negative", both, firstIn, strings.TrimSuffix(pop3With("<pop3><daysToLeaveMessagesOnServer>-1</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, days half", both, firstIn, strings.TrimSuffix(pop3With("<pop3><daysToLeaveMessagesOnServer>2.5</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, days huge", both, firstIn, strings.TrimSuffix(pop3With("<pop3><daysToLeaveMessagesOnServer>99999999999</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone, an empty element", both, firstIn, strings.TrimSuffix(pop3With("<pop3/>"), firstOut) + firstIn},
	{"POP3 alone, days empty", both, firstIn, strings.TrimSuffix(pop3With("<pop3><leaveMessagesOnServer>false</leaveMessagesOnServer><daysToLeaveMessagesOnServer/></pop3>"), firstOut) + firstIn},
	{"POP3 alone, outside of pop3", both, firstIn, strings.TrimSuffix(pop3With("<leaveMessagesOnServer>false</leaveMessagesOnServer>"), firstOut) + firstIn},
	{"POP3 alone, two pop3 elements", both, firstIn, strings.TrimSuffix(pop3With("<pop3><daysToLeaveMessagesOnServer>3</daysToLeaveMessagesOnServer></pop3><pop3><daysToLeaveMessagesOnServer>4</daysToLeaveMessagesOnServer></pop3>"), firstOut) + firstIn},
	{"POP3 alone at the plain port with SSL", both, firstIn, strings.Replace(pop3Server, "995", "110", 1) + firstIn},
	{"POP3 alone at Google", both, firstIn, strings.Replace(pop3Server, "pop.example.com", "pop.gmail.com", 1) + firstIn},
	{"POP3 alone without a port", both, firstIn, strings.Replace(pop3Server, "<port>995</port>", "", 1) + firstIn},
	{"POP3 alone at IMAP's port", both, firstIn, strings.Replace(pop3Server, "995", "143", 1) + firstIn},
	{"IMAP without a port by STARTTLS", in, "<port>993</port>\n      <socketType>SSL", "<socketType>STARTTLS"},
	{"IMAP without a port, plain", in, "<port>993</port>\n      <socketType>SSL", "<socketType>plain"},
	{"IMAP at 143 by STARTTLS", in, "<port>993</port>\n      <socketType>SSL", "<port>143</port><socketType>STARTTLS"},
	{"IMAP at 993 by STARTTLS", in, "<socketType>SSL", "<socketType>STARTTLS"},
	{"IMAP at POP3's port", in, "<port>993", "<port>110"},
	{"SMTP at 25 with SSL", out, "<port>587</port>\n      <socketType>STARTTLS", "<port>25</port><socketType>SSL"},
	{"SMTP at 587 with SSL", out, "<socketType>STARTTLS", "<socketType>SSL"},
	{"pop3 element in an IMAP server", in, "<port>993", "<pop3><leaveMessagesOnServer>false</leaveMessagesOnServer></pop3><port>993"},

	{"no version", both, ` version="1.1"`, ``},
	{"version 1.2", both, `version="1.1"`, `version="1.2"`},
	{"version in words", both, `version="1.1"`, `version="latest"`},
	{"no id", both, ` id="example.com"`, ``},
	{"an empty id", both, ` id="example.com"`, ` id=""`},
	{"id with a blank", both, ` id="example.com"`, ` id="My Provider"`},
	{"id with blanks around", both, ` id="example.com"`, ` id=" example.com "`},
	{"id with a final dot", both, ` id="example.com"`, ` id="example.com."`},
	{"id a number", both, ` id="example.com"`, ` id="1"`},
	{"id zero", both, ` id="example.com"`, ` id="0"`},
	{"id with a placeholder", both, ` id="example.com"`, ` id="%EMAILDOMAIN%"`},
	{"id with an underscore", both, ` id="example.com"`, ` id="example_com"`},
	{"id an address", both, ` id="example.com"`, ` id="a@example.com"`},
	{"id in Unicode", both, ` id="example.com"`, ` id="bücher.example"`},
	{"id of another domain", both, ` id="example.com"`, ` id="other.example"`},
	{"two domains, the first bad", both, "<domain>", "<domain>*.example.com</domain><domain>"},
	{"two domains, the second bad", both, "</domain>", "</domain><domain>a b</domain>"},
	{"domain with a purpose alone", both, "<domain>", `<domain purpose="mx">`},
	{"domain with a purpose before", both, "<domain>", `<domain purpose="mx">mx.example.com</domain><domain>`},
	{"displayName with an attribute", both, "<displayName>", `<displayName xml:lang="de">`},
	{"two displayNames", both, "<displayName>", "<displayName>First</displayName><displayName>"},

	{"documentation, enable and instruction", both, firstIn, `<documentation url="https://example.com/"><descr lang="en">Help</descr></documentation><enable visiturl="https://example.com/"><instruction>Turn it on</instruction></enable><instruction>x</instruction>` + firstIn},
	{"inputField", both, firstIn, `<inputField key="USERNAME" label="Screen name"></inputField>` + firstIn},
	{"an oAuth2 element", both, "</emailProvider>", "</emailProvider><oAuth2><issuer>auth.example.com</issuer><scope>mail</scope><authURL>https://auth.example.com/a</authURL><tokenURL>https://auth.example.com/t</tokenURL></oAuth2>"},

	{"webMail, calendar, addressBook", both, "</emailProvider>", `</emailProvider><webMail><loginPage url="https://example.com/"/><loginPageInfo url="https://example.com/"><username>%EMAILADDRESS%</username><usernameField id="u" name="u"/></loginPageInfo></webMail><calendar type="caldav"><url>https://example.com/</url></calendar><addressBook type="carddav"><username>x</username></addressBook><clientConfigUpdate url="https://example.com/"/>`},
	{"two providers", both, "<emailProvider", `<emailProvider id="first.example"><domain>first.example</domain></emailProvider><emailProvider`},
	{"a second provider", both, "</emailProvider>", `</emailProvider><emailProvider id="second.example"><domain>second.example</domain>` + secondIMAP + secondSMTP + "</emailProvider>"},
	{"a server beside the provider", both, "</emailProvider>", "</emailProvider>" + secondIMAP + secondSMTP},
	{"a server before the provider", both, "<emailProvider", pop3Server + "<emailProvider"},
	{"a provider within something", both, "<emailProvider", "<x/><emailProvider"},
	{"comments", both, "\n", "<!-- x -->\n"},
	{"a comment with a server", both, firstIn, "<!-- " + secondIMAP + " -->" + firstIn},
	{"a comment after the root", both, "</clientConfig>", "</clientConfig>\n<!-- x -->"},
	{"a processing instruction", both, "<clientConfig", `<?xml-stylesheet href="x.xsl"?><clientConfig`},
	{"a processing instruction within a username", in, "%EMAILADDRESS%", "a<?x y?>b"},
	{"a default namespace", both, "<clientConfig", `<clientConfig xmlns="urn:ietf:params:xml:ns:autoconfig"`},
	{"a prefix", both, "clientConfig", "c:clientConfig"},
	{"a declared prefix in use", both, firstIn, `<incomingServer xmlns:x="urn:x" type="imap"><x:hostname>no.example.com</x:hostname>`},
	{"an undeclared prefix", both, firstIn, firstIn + "<x:y/>"},
	{"an undeclared prefix of an attribute", both, `version="1.1"`, `version="1.1" x:y="1"`},
}

// google makes the hosts Google's, for whom OAuth2 is built in.
func google(text string) string {
	return strings.NewReplacer("imap.example.com", "imap.gmail.com", "smtp.example.com", "smtp.gmail.com").Replace(text)
}

const plainBody = plainDocument

// afterDeclaration is the plain document from its root on.
var afterDeclaration = plainBody[strings.Index(plainBody, "<clientConfig"):]

// wholeRows are documents that aren't one change away from the plain one.
var wholeRows = []struct{ name, text string }{
	{"an empty root", `<clientConfig/>`},
	{"an empty provider", `<clientConfig><emailProvider id="example.com"/></clientConfig>`},
	{"a provider with a text", `<clientConfig><emailProvider>x</emailProvider></clientConfig>`},
	{"another root", `<autoconfig/>`},
	{"the root in capitals", strings.ReplaceAll(plainBody, "clientConfig", "ClientConfig")},
	{"XHTML", `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>Not found</title></head><body><p>x</p></body></html>`},
	{"HTML", "<!DOCTYPE html>\n<html><head><meta charset=utf-8><title>Welcome</title></head><body><p>x<br></body></html>"},
	{"HTML in small letters", "<!doctype html><title>Welcome</title>"},
	{"an RSS feed", `<rss version="2.0"><channel><title>x</title></channel></rss>`},
	{"an Autodiscover answer", `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response/></Autodiscover>`},
	{"JSON", `{"email": "x"}`},
	{"a text", "not found"},
	{"blanks alone", " \n "},
	{"no declaration", afterDeclaration},
	{"a blank before the declaration", " " + plainBody},
	{"a line before the declaration", "\n" + plainBody},
	{"a byte order mark", "\uFEFF" + plainBody},
	{"a byte order mark and a blank", "\uFEFF " + plainBody},
	{"XML 1.1", strings.Replace(plainBody, `version="1.0"`, `version="1.1"`, 1)},
	{"XML 2.0", strings.Replace(plainBody, `version="1.0"`, `version="2.0"`, 1)},
	{"XML 1.10", strings.Replace(plainBody, `version="1.0"`, `version="1.10"`, 1)},
	{"XML 1.", strings.Replace(plainBody, `version="1.0"`, `version="1."`, 1)},
	{"XML 1", strings.Replace(plainBody, `version="1.0"`, `version="1"`, 1)},
	{"no version in the declaration", strings.Replace(plainBody, ` version="1.0"`, ``, 1)},
	{"standalone", strings.Replace(plainBody, `"UTF-8"`, `"UTF-8" standalone="yes"`, 1)},
	{"standalone in words", strings.Replace(plainBody, `"UTF-8"`, `"UTF-8" standalone="maybe"`, 1)},
	{"the encoding before the version", strings.Replace(plainBody, `version="1.0" encoding="UTF-8"`, `encoding="UTF-8" version="1.0"`, 1)},
	{"an unknown encoding", strings.Replace(plainBody, "UTF-8", "x-unknown", 1)},
	{"US-ASCII", strings.Replace(plainBody, "UTF-8", "US-ASCII", 1)},
	{"Latin 1", strings.NewReplacer("UTF-8", "ISO-8859-1", "Example Mail", "B\xFCcher").Replace(plainBody)},
	{"Windows 1252", strings.NewReplacer("UTF-8", "windows-1252", "Example Mail", "\x80uro").Replace(plainBody)},
	{"UTF-8 that isn't", strings.Replace(plainBody, "Example Mail", "B\xFCcher", 1)},
	{"UTF-16 declared, UTF-8 sent", strings.Replace(plainBody, "UTF-8", "UTF-16", 1)},
	{"UTF-16", utf16LE(plainBody, true)},
	{"UTF-16 without a mark", utf16LE(plainBody, false)},
	{"a declaration within", strings.Replace(plainBody, "<clientConfig", `<!-- x --><?xml version="1.0"?><clientConfig`, 1)},
	{"a DOCTYPE", "<!DOCTYPE clientConfig>\n" + afterDeclaration},
	{"a DOCTYPE with a system identifier", `<!DOCTYPE clientConfig SYSTEM "https://example.com/x.dtd">` + afterDeclaration},
	{"a DOCTYPE with an entity", `<!DOCTYPE clientConfig [<!ENTITY host "imap.example.com">]>` + change(afterDeclaration, in, "imap.example.com", "&host;")},
	{"a DOCTYPE with an entity of elements", `<!DOCTYPE clientConfig [<!ENTITY s '` + secondIMAP + `'>]>` + change(afterDeclaration, in, firstIn, "&s;"+firstIn)},
	{"a DOCTYPE with an external entity", `<!DOCTYPE clientConfig [<!ENTITY host SYSTEM "file:///etc/hostname">]>` + change(afterDeclaration, in, "imap.example.com", "imap.example.com&host;")},
	{"a DOCTYPE with an entity that grows", `<!DOCTYPE clientConfig [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>` + change(afterDeclaration, in, "%EMAILADDRESS%", "&c;")},
	{"a DOCTYPE with an attribute's default", `<!DOCTYPE clientConfig [<!ATTLIST incomingServer type CDATA "imap">]>` + afterDeclaration},
	{"a DOCTYPE after the root", plainBody + "<!DOCTYPE clientConfig>"},
	{"an unknown entity after a system identifier", `<!DOCTYPE clientConfig SYSTEM "x.dtd">` + change(afterDeclaration, in, "%EMAILADDRESS%", "a&host;b")},
	{"an unknown entity after a parameter entity", `<!DOCTYPE clientConfig [<!ENTITY % x SYSTEM "x.dtd"> %x;]>` + change(afterDeclaration, in, "%EMAILADDRESS%", "a&host;b")},
	{"a percent sign in an entity", `<!DOCTYPE clientConfig [<!ENTITY host "100%">]>` + change(afterDeclaration, in, "%EMAILADDRESS%", "a&host;b")},
	{"a placeholder in an entity", `<!DOCTYPE clientConfig [<!ENTITY host "%EMAILADDRESS%">]>` + change(afterDeclaration, in, "%EMAILADDRESS%", "a&host;b")},
	{"an entity in an attribute", `<!DOCTYPE clientConfig [<!ENTITY host "imap">]>` + change(afterDeclaration, in, `type="imap"`, `type="&host;"`)},
	{"cut before the end", plainBody[:len(plainBody)-20]},
	{"cut in the second server", plainBody[:strings.Index(plainBody, "smtp.example.com")]},
	{"something after the root", plainBody + "x"},
	{"a second root", plainBody + "<x/>"},
	{"a second document", plainBody + plainBody},
	{"an end tag that is missing", strings.Replace(plainBody, "</port>", "", 1)},
	{"end tags in another order", strings.Replace(plainBody, "</port>", "</hostname>", 1)},
	{"an attribute without quotes", strings.Replace(plainBody, `type="imap"`, `type=imap`, 1)},
	{"an attribute without a value", strings.Replace(plainBody, `type="imap"`, `type="imap" checked`, 1)},
	{"attributes without a blank between", strings.Replace(plainBody, `type="imap"`, `a="1"type="imap"`, 1)},
	{"a < in an attribute", strings.Replace(plainBody, `version="1.1"`, `version="<1.1"`, 1)},
	{"a control character", strings.Replace(plainBody, "Example Mail", "Example\x01Mail", 1)},
	{"a zero byte", strings.Replace(plainBody, "Example Mail", "Example\x00Mail", 1)},
	{"]]> in a text", strings.Replace(plainBody, "Example Mail", "Example]]>Mail", 1)},
	{"two hyphens in a comment", strings.Replace(plainBody, firstIn, "<!-- a -- b -->"+firstIn, 1)},
	{"a CDATA section without an end", strings.Replace(plainBody, "Example Mail", "<![CDATA[Example Mail", 1)},
	{"blanks in tags", strings.NewReplacer("</port>", "</port >", `type="imap">`, `type = "imap" >`).Replace(plainBody)},
	{"a blank before an end tag's name", strings.Replace(plainBody, "</port>", "</ port>", 1)},
	{"lines of DOS", strings.ReplaceAll(plainBody, "\n", "\r\n")},
	{"one line", strings.ReplaceAll(strings.ReplaceAll(plainBody, "\n", ""), "  ", "")},
	{"OAuth2 at Google", google(strings.ReplaceAll(plainBody, "password-cleartext", "OAuth2"))},
	{"OAuth2 at Google before a password", google(strings.ReplaceAll(plainBody, "<authentication>", "<authentication>OAuth2</authentication><authentication>"))},
	{"a password at Google before OAuth2", google(strings.ReplaceAll(plainBody, "</authentication>", "</authentication><authentication>OAuth2</authentication>"))},
	{"OAuth2 at Google's POP3 under a label", strings.NewReplacer("imap.example.com", "x.y.outlook.com", "password-cleartext", "OAuth2", "smtp.example.com", "smtp.office365.com").Replace(plainBody)},
	{"300 KiB", strings.Replace(plainBody, "<domain>", "<!--"+strings.Repeat("x", 300<<10)+"--><domain>", 1)},
	{"a thousand domains", strings.Replace(plainBody, "<domain>", strings.Repeat("<domain>a.example</domain>", 1000)+"<domain>", 1)},
}

func utf16LE(text string, mark bool) string {
	var out strings.Builder
	if mark {
		out.WriteString("\xFF\xFE")
	}
	for _, c := range []byte(strings.Replace(text, "UTF-8", "UTF-16", 1)) {
		out.Write([]byte{c, 0})
	}
	return out.String()
}
