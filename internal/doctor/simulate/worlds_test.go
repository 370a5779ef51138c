package simulate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/thunderbird"
)

// worldRows are about where programs look and what they make of how it is answered.
func worldRows() []row {
	return slices.Concat(placeRows, httpRows(), dnsRows, oddRows())
}

func xmlPage(servers string) http.HandlerFunc {
	return say(http.StatusOK, xmlType, configWith(servers))
}

const poxHead = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">` +
	`<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account><AccountType>email</AccountType><Action>settings</Action>`

func poxPage(protocol, host string, port int) http.HandlerFunc {
	return say(http.StatusOK, xmlType, fmt.Sprintf(poxHead+
		`<Protocol><Type>%s</Type><Server>%s</Server><Port>%d</Port><LoginName>me</LoginName><SPA>off</SPA><SSL>on</SSL></Protocol>`+
		`<Protocol><Type>SMTP</Type><Server>smtp.example.com</Server><Port>465</Port><SPA>off</SPA><SSL>on</SSL></Protocol>`+
		`</Account></Response></Autodiscover>`, protocol, host, port))
}

var (
	goodPage = xmlPage(goodIMAP + goodSMTP)
	// otherPage tells the second place from the first.
	otherPage = xmlPage(xmlServer("incoming", "imap", "other.example.com", 993, "SSL", "%EMAILADDRESS%") + goodSMTP)
	goodPOX   = poxPage("IMAP", "pox.example.com", 993)
)

func config(h http.HandlerFunc) http.HandlerFunc { return atPath(thunderbird.Path, h) }
func known(h http.HandlerFunc) http.HandlerFunc  { return atPath(thunderbird.PathWellKnown, h) }
func pox(h http.HandlerFunc) http.HandlerFunc    { return atPath(autodiscover.Path, h) }

// hosterOf is the hoster of the row whose host is asked.
func hosterOf(r *http.Request) string {
	labels := strings.Split(r.Host, ".")
	return "h" + labels[len(labels)-2][1:] + ".example"
}

// moved redirects; H stands for the hoster, D for the domain.
func moved(status int, to string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		hoster := hosterOf(r)
		rw.Header().Set("Location", strings.NewReplacer("H/", hoster+"/", "D/", "d"+hoster[1:]+"/").Replace(to))
		rw.WriteHeader(status)
	}
}

// postOnly answers what is posted, and nothing else.
func postOnly(h http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			rw.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h(rw, r)
	}
}

type pages = map[string]http.HandlerFunc

var placeRows = []row{
	{name: "place: everything", pages: pages{"https://autoconfig.D": config(goodPage), "https://D": known(otherPage), "http://autoconfig.D": config(otherPage), "https://autodiscover.D": pox(goodPOX)}},
	{name: "place: only well-known", pages: pages{"https://D": known(otherPage)}},
	{name: "place: only http", pages: pages{"http://autoconfig.D": config(otherPage)}},
	{name: "place: only http well-known", pages: pages{"http://D": known(otherPage)}},
	{name: "place: only Autodiscover", pages: pages{"https://autodiscover.D": pox(goodPOX)}},
	{name: "place: only Autodiscover at the domain", pages: pages{"https://D": pox(poxPage("POP3", "pox.example.com", 995))}},
	{name: "place: only Autodiscover by http", pages: pages{"http://autodiscover.D": pox(goodPOX)}},
	{name: "place: Autodiscover in capitals", pages: pages{"https://autodiscover.D": atPath("/Autodiscover/Autodiscover.xml", goodPOX)}},
	{name: "place: autoconfig before Autodiscover", pages: pages{"http://D": known(otherPage), "https://autodiscover.D": pox(goodPOX)}},
	{name: "place: Thunderbird's database", pages: pages{"https://live.thunderbird.net/D": goodPage}},
	{name: "place: the other database", pages: pages{"https://autoconfig.thunderbird.net/D": goodPage}},
	{name: "place: a database and the domain", pages: pages{"https://live.thunderbird.net/D": goodPage, "https://autoconfig.thunderbird.net/D": goodPage, "http://D": known(otherPage)}},
	{name: "place: HTML with 200", pages: pages{"https://autoconfig.D": say(200, "text/html", page200), "https://D": known(otherPage)}},
	{name: "place: HTML with 200, and Autodiscover", pages: pages{"https://autoconfig.D": say(200, "text/html", page200), "https://autodiscover.D": pox(goodPOX)}},
	{name: "place: POP3", pages: pages{"https://autoconfig.D": config(xmlPage(strings.Replace(xmlServer("incoming", "pop3", "pop.example.com", 995, "SSL", "%EMAILLOCALPART%"), "</incoming", "<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer><daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer></pop3></incoming", 1) + goodSMTP))}},
	{name: "place: two servers", pages: pages{"https://autoconfig.D": config(xmlPage(goodIMAP + xmlServer("incoming", "imap", "second.example.com", 993, "SSL", "x") + goodSMTP))}},
	{name: "place: malformed", pages: pages{"https://autoconfig.D": config(say(200, xmlType, "<clientConfig>")), "https://D": known(otherPage)}},
	{name: "place: another root", pages: pages{"https://autoconfig.D": config(say(200, xmlType, "<html/>")), "https://D": known(otherPage)}},
	{name: "place: no id", pages: pages{"https://autoconfig.D": config(say(200, xmlType, strings.Replace(configWith(goodIMAP+goodSMTP), ` id="example.com"`, "", 1))), "https://D": known(otherPage)}},
	{name: "place: no outgoing server", pages: pages{"https://autoconfig.D": config(xmlPage(goodIMAP)), "https://D": known(otherPage)}},
	{name: "place: no server at all", pages: pages{"https://autoconfig.D": config(xmlPage("")), "https://D": known(otherPage)}},
	{name: "place: a broken document with half of another account", pages: pages{"https://autoconfig.D": config(say(200, xmlType, "<clientConfig>"+pop3Server)), "https://D": known(otherPage)}},
	{name: "place: Autodiscover's error hides the next", pages: pages{"https://autodiscover.D": pox(say(200, xmlType, `<Autodiscover><Response><Error><ErrorCode>500</ErrorCode></Error></Response></Autodiscover>`)), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover HTML hides the next", pages: pages{"https://autodiscover.D": pox(say(200, "text/html", page200)), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover in plain text hides the next", pages: pages{"https://autodiscover.D": pox(say(200, "text/plain", "ok")), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover malformed hides the next", pages: pages{"https://autodiscover.D": pox(say(200, xmlType, "<Autodiscover>")), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover another root hides the next", pages: pages{"https://autodiscover.D": pox(say(200, xmlType, "<x/>")), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover empty", pages: pages{"https://autodiscover.D": pox(say(200, xmlType, "")), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover 500", pages: pages{"https://autodiscover.D": pox(say(500, "text/plain", "")), "https://D": pox(goodPOX)}},
	{name: "place: Autodiscover redirected by http to one that takes what is posted", pages: pages{"http://autodiscover.D": pox(moved(302, "https://shared.H/autodiscover/autodiscover.xml")), "https://shared.H": pox(postOnly(goodPOX))}},
	{name: "place: Autodiscover redirected by http, within the domain", pages: pages{"http://autodiscover.D": pox(moved(302, "https://D/x/autodiscover.xml")), "https://D": atPath("/x/autodiscover.xml", postOnly(goodPOX))}},
	{name: "place: Autodiscover redirected by http to one that takes all", pages: pages{"http://autodiscover.D": pox(moved(301, "https://shared.H/autodiscover/autodiscover.xml")), "https://shared.H": pox(goodPOX)}},
	{name: "place: Autodiscover redirected by http and 307", pages: pages{"http://autodiscover.D": pox(moved(307, "https://shared.H/autodiscover/autodiscover.xml")), "https://shared.H": pox(postOnly(goodPOX))}},
	{name: "place: Autodiscover redirected by http to http", pages: pages{"http://autodiscover.D": pox(moved(302, "http://shared.H/autodiscover/autodiscover.xml")), "http://shared.H": pox(postOnly(goodPOX))}},
	{name: "place: Autodiscover redirected by https", pages: pages{"https://autodiscover.D": pox(moved(302, "https://shared.H/autodiscover/autodiscover.xml")), "https://shared.H": pox(postOnly(goodPOX))}},
	{name: "place: Autodiscover redirected by https and 308", pages: pages{"https://autodiscover.D": pox(moved(308, "https://shared.H/autodiscover/autodiscover.xml")), "https://shared.H": pox(postOnly(goodPOX))}},
	{name: "place: RedirectAddr", pages: pages{"https://autodiscover.D": pox(redirectAddr("User@H/")), "https://autodiscover.H": pox(goodPOX), "https://H": pox(goodPOX)}},
	{name: "place: RedirectAddr without a login", pages: pages{"https://autodiscover.D": pox(redirectAddr("user@H/")), "https://H": pox(say(200, xmlType, poxHead+`<Protocol><Type>IMAP</Type><Server>pox.example.com</Server><Port>993</Port></Protocol></Account></Response></Autodiscover>`))}},
	{name: "place: RedirectAddr to itself", pages: pages{"https://autodiscover.D": pox(redirectAddr("other@D/"))}},
	{name: "place: RedirectAddr that is no address", pages: pages{"https://autodiscover.D": pox(redirectAddr("nobody")), "https://D": pox(goodPOX)}},
}

// redirectAddr leads to another address.
func redirectAddr(to string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		hoster := hosterOf(r)
		address := strings.NewReplacer("H/", hoster, "D/", "d"+hoster[1:]).Replace(to)
		say(200, xmlType, `<Autodiscover><Response><Account><Action>redirectAddr</Action><RedirectAddr>`+address+`</RedirectAddr></Account></Response></Autodiscover>`)(rw, r)
	}
}

var dnsRows = []row{
	{name: "dns: SRV to another domain", pages: pages{"https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 443 shared.H."}},
	{name: "dns: SRV with another port", pages: pages{"https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 8443 shared.H."}},
	{name: "dns: SRV that says no", pages: pages{"https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 0 ."}},
	{name: "dns: SRV by weight", pages: pages{"https://shared.H": pox(goodPOX), "https://H": pox(poxPage("IMAP", "heavy.example.com", 993))}, dns: []string{"_autodiscover._tcp.D. SRV 0 1 443 shared.H.", "_autodiscover._tcp.D. SRV 0 100 443 H."}},
	{name: "dns: SRV by priority", pages: pages{"https://shared.H": pox(goodPOX), "https://H": pox(poxPage("IMAP", "first.example.com", 993))}, dns: []string{"_autodiscover._tcp.D. SRV 10 0 443 shared.H.", "_autodiscover._tcp.D. SRV 0 5 443 H."}},
	{name: "dns: SRV within the domain", pages: pages{"https://www.D": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 443 www.D.", "www.D. A 127.0.0.1"}},
	{name: "dns: SRV in capitals", pages: pages{"https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 443 SHARED.H."}},
	{name: "dns: SRV to a name without an address", dns: []string{"_autodiscover._tcp.D. SRV 0 0 443 nowhere.H."}},
	{name: "dns: mail SRV alone", dns: []string{"_imaps._tcp.D. SRV 0 1 993 imap.H.", "_submissions._tcp.D. SRV 0 1 465 smtp.H."}},
	{name: "dns: by the MX", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 mx1.H."}},
	{name: "dns: by the MX, two labels below", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 mx1.eu.H."}},
	{name: "dns: by the MX's own domain", pages: pages{"https://autoconfig.mx.H": config(goodPage), "https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 a.mx.H.", "autoconfig.mx.H. A 127.0.0.1"}},
	{name: "dns: by the MX in the database", pages: pages{"https://live.thunderbird.net/H": otherPage}, dns: []string{"D. MX 10 mx1.H."}},
	{name: "dns: by the MX, unreadable, then the database", pages: pages{"https://autoconfig.H": config(say(200, "text/html", page200)), "https://live.thunderbird.net/H": otherPage}, dns: []string{"D. MX 10 mx1.H."}},
	{name: "dns: by the MX, only http", pages: pages{"http://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 mx1.H."}},
	{name: "dns: by the MX, only well-known", pages: pages{"https://H": known(otherPage)}, dns: []string{"D. MX 10 mx1.H."}},
	{name: "dns: by the best of two MX", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 20 mx1.H.", "D. MX 5 mx.D."}},
	{name: "dns: by the second in order, but best MX", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 20 mx.D.", "D. MX 5 mx1.H."}},
	{name: "dns: an MX within the domain", dns: []string{"D. MX 10 mx.D."}},
	{name: "dns: an MX that is the hoster's domain", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 H."}},
	{name: "dns: an MX in capitals", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 MX1.H."}},
	{name: "dns: a null MX", dns: []string{"D. MX 0 ."}},
	{name: "dns: autoconfig by a CNAME", pages: pages{"https://autoconfig.D": config(goodPage)}, dns: []string{"-autoconfig.D.", "autoconfig.D. CNAME shared.H."}},
	{name: "dns: no address for autoconfig", pages: pages{"https://autoconfig.D": config(goodPage), "https://D": known(otherPage)}, dns: []string{"-autoconfig.D."}},
	{name: "dns: no address for the domain", pages: pages{"http://autoconfig.D": config(goodPage)}, dns: []string{"-D."}},
	{name: "dns: a CNAME that leads nowhere", pages: pages{"https://D": known(otherPage)}, dns: []string{"-autoconfig.D.", "autoconfig.D. CNAME nowhere.H."}},
	{name: "dns: the hoster's name servers", pages: pages{"https://autoconfig.H": config(otherPage), "https://autoconfig.thunderbird.net/H": otherPage}, dns: []string{"D. NS ns1.H."}},
	{name: "dns: the hoster's name servers, only well-known by http", pages: pages{"http://H": known(otherPage)}, dns: []string{"D. NS ns1.H."}},
	{name: "dns: the hoster's name servers, only in the database", pages: pages{"https://autoconfig.thunderbird.net/H": otherPage}, dns: []string{"D. NS ns1.H."}},
	{name: "dns: the hoster's name servers after a database that fails", pages: pages{"https://autoconfig.thunderbird.net/D": say(500, "text/plain", ""), "https://autoconfig.H": config(otherPage)}, dns: []string{"D. NS ns1.H."}},
	{name: "dns: the hoster's name servers, and its autoconfig fails", pages: pages{"https://autoconfig.H": config(say(500, "text/plain", "")), "https://H": known(otherPage)}, dns: []string{"D. NS ns1.H."}},
	{name: "dns: a name server within the domain", pages: pages{}, dns: []string{"D. NS ns1.D."}},
	{name: "dns: two name servers", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. NS ns1.D.", "D. NS ns1.H."}},
	{name: "dns: the hoster's name servers, without the database", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. NS ns1.dns.H."}},
}
