package simulate

import (
	"slices"
	"strings"
	"testing"

	"autoconfig/clients/reading"
)

// reportedCases are what was reported to be shown otherwise than the real program does.
// Each is a row of the matrix, so that the tables of the real programs hold it as well;
// here stands what must come out, in a few words.
var reportedCases = []struct{ name, client, row, want string }{
	{"a host with a placeholder", "thunderbird", `document: incoming hostname "imap.%EMAILDOMAIN%"`, "imap imap.D:993 tls password o.neil+x@D, smtp"},
	{"OAuth2 alone at a provider that it knows", "thunderbird", "document: OAuth2 at Google", "imap imap.gmail.com:993 tls OAuth2 o.neil+x@D, smtp"},
	{"OAuth2 before a password there", "thunderbird", "document: OAuth2 at Google before a password", "imap imap.gmail.com:993 tls OAuth2 o.neil+x@D, smtp"},
	{"an answer that takes too long", "thunderbird", "http: no answer", "imap other.example.com:993 tls password o.neil+x@D, smtp"},
	{"Autodiscover HTML at the first host", "thunderbird", "place: Autodiscover HTML hides the next", ""},
	{"Autodiscover plain text at the first host", "thunderbird", "place: Autodiscover in plain text hides the next", ""},
	{"Autodiscover malformed at the first host", "thunderbird", "place: Autodiscover malformed hides the next", ""},
	{"Autodiscover with another root at the first host", "thunderbird", "place: Autodiscover another root hides the next", ""},
	{"204 at the special name", "thunderbird", "http: status 204 with a document", ""},
	{"ews before IMAP", "thunderbird", "document: ews before IMAP", "ews ews.example.com:0 tls password o.neil+x@D"},
	{"RedirectAddr", "thunderbird", "place: RedirectAddr", "imap pox.example.com:993 tls password me, smtp"},
	{"a 302 on plain http to what only takes POST", "thunderbird", "place: Autodiscover redirected by http to one that takes what is posted", "imap pox.example.com:993 tls password me, smtp"},
	{"SPA on", "thunderbird", `autodiscover: SPA "on"`, "imap imap.example.com:993 tls secure alice, smtp"},
	{"no SMTP in Autodiscover", "thunderbird", "autodiscover: no SMTP", "imap imap.example.com:993 tls password alice"},
	{"port 0 in Autodiscover", "thunderbird", `autodiscover: Port "0"`, ""},
	{"UTF-16", "thunderbird", "document: UTF-16", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"a charset in the Content-Type alone", "thunderbird", "http: Latin 1 by the header", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"XML 1.1", "thunderbird", "document: XML 1.1", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"a DOCTYPE", "thunderbird", "document: a DOCTYPE", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"an internal entity", "thunderbird", "document: a DOCTYPE with an entity", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"blanks around SSL", "thunderbird", `document: incoming socketType " SSL "`, ""},
	{"blanks around password-cleartext", "thunderbird", `document: incoming authentication " password-cleartext "`, ""},
	{"an id with a final dot", "thunderbird", "document: id with a final dot", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"a final dot of a host", "thunderbird", `document: incoming hostname "imap.example.com."`, "imap imap.example.com.:993 tls password o.neil+x@D, smtp"},
	{"an empty domain", "thunderbird", "document: incoming domain empty element", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"text/xml-foo", "thunderbird", `http: type "text/xml-foo"`, "imap other.example.com:993 tls password o.neil+x@D, smtp"},
	{"application/xml-dtd", "thunderbird", `http: type "application/xml-dtd"`, "imap other.example.com:993 tls password o.neil+x@D, smtp"},
	{"twelve redirects", "thunderbird", "http: twelve redirects", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"300 KiB", "thunderbird", "document: 300 KiB", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"a missing username", "thunderbird", "document: incoming username missing", "imap imap.example.com:993 tls password undefined, smtp"},
	{"0x10", "thunderbird", `document: incoming username "0x10"`, "imap imap.example.com:993 tls password 0, smtp"},
	{"%REALNAME%", "thunderbird", `document: incoming username "%REALNAME%"`, "imap imap.example.com:993 tls password Alice Example, smtp"},
	{"an outgoing server without a username", "thunderbird", "document: outgoing username missing", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"published-prefixed-autodiscover", "thunderbird", "autodiscover: a prefix", ""},
	{"published-empty-authentication", "thunderbird", "document: incoming authentication empty element", ""},
	{"published-autoconfig-placeholder-in-autodiscover", "thunderbird", `autodiscover: LoginName "%EMAILADDRESS%"`, "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"an IPv6 address as host", "thunderbird", `document: outgoing hostname "2001:db8::1"`, "imap imap.example.com:993 tls password o.neil+x@D, smtp"},

	{"POP3 first, IMAP second", "evolution", "document: POP3 before IMAP", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"the last server, even a defective one", "evolution", "document: broken IMAP after", "imap broken.example.com:993 tls password o.neil+x@D, smtp"},
	{"an unknown socketType", "evolution", `document: incoming socketType "TLS"`, "imap imap.example.com:993 none password o.neil+x@D, smtp"},
	{"a socketType in small letters", "evolution", `document: incoming socketType "ssl"`, "imap imap.example.com:993 none password o.neil+x@D, smtp"},
	{"%EMAILDOMAIN%", "evolution", `document: incoming hostname "imap.%EMAILDOMAIN%"`, "imap imap.:993 tls password o.neil+x@D, smtp"},
	{"no SMTP", "evolution", "place: no outgoing server", "imap imap.example.com:993 tls password o.neil+x@D"},
	{"a DOCTYPE in Evolution", "evolution", "document: a DOCTYPE", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"XML 1.1 in Evolution", "evolution", "document: XML 1.1", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"a server outside of the provider", "evolution", "document: a server beside the provider", "imap second.example.com:993 tls password o.neil+x@D, smtp"},
	{"a server without a type", "evolution", "document: incoming type missing", ""},
	{"a body that is cut", "evolution", "http: cut by the length", ""},
	{"twelve redirects in Evolution", "evolution", "http: twelve redirects", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
	{"300 KiB in Evolution", "evolution", "document: 300 KiB", "imap imap.example.com:993 tls password o.neil+x@D, smtp"},
}

func TestReportedCases(t *testing.T) {
	t.Parallel()
	worlds := worldRows()
	rows := slices.Concat(documentRows(t), poxRows(t), worlds)
	s := newStage(t, worlds, false)
	golden := map[string]table{"thunderbird": readTable(t, "thunderbird"), "evolution": readTable(t, "evolution")}
	for _, c := range reportedCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(rows, func(r row) bool { return r.name == c.row })
			if i < 0 {
				t.Fatalf("there is no row %q", c.row)
			}
			r := rows[i]
			if truly := fewWords(golden[c.client].line(t, r).Account); truly != c.want {
				t.Errorf("the truly program: %q, want %q", truly, c.want)
			}
			var ours string
			switch {
			case r.document != nil && c.client == "thunderbird":
				a, _ := reading.Thunderbird(*r.document, r.person())
				ours = fewWords(r.abstract(verdict{Account: a}).Account)
			case r.document != nil:
				a, _ := reading.Evolution(*r.document, r.person())
				ours = fewWords(r.abstract(verdict{Account: a}).Account)
			case r.pox != nil:
				a, _, _ := reading.ThunderbirdAutodiscover(*r.pox, r.person(), "")
				ours = fewWords(r.abstract(verdict{Account: a}).Account)
			default:
				ours = setupInWords(bare(r, s.simulate(t, c.client, r).Account))
			}
			if ours != c.want {
				t.Errorf("ours: %q, want %q", ours, c.want)
			}
		})
	}
}

// fewWords are an account's incoming server, and whether it has one to send by.
func fewWords(a *reading.Account) string {
	if a == nil {
		return ""
	}
	return setupInWords(setupOf(a, ""))
}

func setupInWords(s *Setup) string {
	if s == nil {
		return ""
	}
	in := s.Incoming
	text := strings.Join([]string{string(s.Protocol), in.Host + ":" + in.Port, string(in.Security), in.Auth, in.Username}, " ")
	if s.Outgoing.Host != "" {
		text += ", smtp"
	}
	return text
}
