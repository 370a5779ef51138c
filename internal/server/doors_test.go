package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
	"howett.net/plist"

	"autoconfig/autodiscover"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/web"
	"autoconfig/thunderbird"
)

var updateDoors = flag.Bool("update-doors", false, "write docs/integrators.md's table of spellings anew")

// door is one spelling of a request, and what is right for it. workshop@example.com has
// POP3, the domain's default is IMAP: who gets IMAP was taken for somebody else.
type door struct {
	// sends is the request's first line, or what is peculiar about it; by is who is
	// known to send it so.
	sends, by string
	// raw is what goes over the wire.
	raw string
	// right is what comes back; because says why, where it is a refusal.
	right, because string
}

// doors are the spellings by kind. docs/integrators.md shows them:
// go test ./internal/server -run TestDoors -update-doors
var doors = []struct {
	title string
	rows  []door
}{
	{"Paths", pathDoors},
	{"Addresses in queries", queryDoors},
	{"Autodiscover requests", postedDoors},
	{"Proxies' headers", proxyDoors},
}

const isWorkshop = "workshop@example.com, POP3"

// getDoor is a GET of a path and query.
func getDoor(host, target, by, right, because string, header ...string) door {
	return door{"GET " + target, by, overWire("GET", host, target, "", header...), right, because}
}

func overWire(method, host, target, body string, header ...string) string {
	text := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	if body != "" {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	for _, line := range header {
		text += line + "\r\n"
	}
	return text + "\r\n" + body
}

const (
	autoconfigHost   = "autoconfig.example.com"
	autodiscoverHost = "autodiscover.example.com"
	forWorkshop      = "?emailaddress=workshop%40example.com"
)

func configDoor(target, by string) door { return getDoor(autoconfigHost, target, by, isWorkshop, "") }

func noDoor(target, by, because string) door {
	return getDoor(autoconfigHost, target, by, "404", because)
}

var workshopPosted = poxRequest(mail("workshop@example.com"), outlookSchema)

var pathDoors = []door{
	configDoor("/mail/config-v1.1.xml"+forWorkshop, "most programs"),
	configDoor("/.well-known/autoconfig/mail/config-v1.1.xml"+forWorkshop, "many programs"),
	configDoor("/.well-known/mail-v1.xml"+forWorkshop, "GNOME Online Accounts, SnappyMail (an earlier draft's path)"),
	configDoor("/v1.1/mail/config-v1.1.xml"+forWorkshop, "Nine for Android"),
	configDoor("/Mail/Config-v1.1.xml"+forWorkshop, "what mailcow answers"),
	configDoor("//mail/config-v1.1.xml"+forWorkshop, "proxies that join a folder and a path"),
	configDoor("/mail/config-v1.1.xml/"+forWorkshop, "proxies that add a slash"),
	getDoor("autoconfig.hoster.example", "/v1.1/example.com/", "Thunderbird with `mailnews.auto_config_url`", "the domain's default, IMAP", ""),
	{"POST /Autodiscover/Autodiscover.xml", "Outlook", overWire("POST", autodiscoverHost, "/Autodiscover/Autodiscover.xml", workshopPosted), isWorkshop, ""},
	{"POST /AutoDiscover/AutoDiscover.xml", "what automx2 and Stalwart answer", overWire("POST", autodiscoverHost, "/AutoDiscover/AutoDiscover.xml", workshopPosted), isWorkshop, ""},
	{"POST /Autodiscover/Autodiscover.xml/", "tests of ActiveSync", overWire("POST", autodiscoverHost, "/Autodiscover/Autodiscover.xml/", workshopPosted), isWorkshop, ""},
	getDoor(autodiscoverHost, "/autodiscover/autodiscover.json?Email=workshop%40example.com&Protocol=Autodiscoverv1&RedirectCount=1", "Outlook", "where POX is", ""),
	getDoor(autodiscoverHost, "/autodiscover/autodiscover.json/v1.0/workshop@example.com?Protocol=Autodiscoverv1&RedirectCount=1", "Outlook", "where POX is", ""),
	getDoor(autodiscoverHost, "/Autodiscover/Autodiscover.json/V1.0/workshop%2540example.com/?Protocol=AutodiscoverV1", "proxies", "where POX is", ""),
	getDoor("x", "/email.mobileconfig?email=workshop%40example.com", "links of Monogramm and wdes", isWorkshop, ""),
	getDoor("x", "/mobileconfig/?emailaddress=workshop%40example.com", "links of automx2 and Modoboa", isWorkshop, ""),
	{"PROPFIND /.well-known/carddav/", "CalDav Synchronizer, vdirsyncer", overWire("PROPFIND", "several.example", "/.well-known/carddav/", ""), "301 to https://dav.several.example/contacts/", ""},
	getDoor("several.example", "/.well-known/caldav/", "ownCloud's check", "301 to https://dav.several.example/", ""),
	noDoor("/autodiscover/autodiscover.svc", "Outlook, after Exchange", "it is SOAP, and a 404 lets programs go on"),
	noDoor("/Microsoft-Server-ActiveSync", "telephones", "there is no ActiveSync"),
	noDoor("/apple.mobileconfig", "links of Mailu", "they name no address, and a profile needs one"),
	noDoor("/mailinabox.mobileconfig", "links of Mail-in-a-Box", "the same"),
	noDoor("/profile.mobileconfig?addresses=workshop%40example.com&name=W", "links of mox", "they may name several addresses, and a person's name"),
	noDoor("/any/mail/config-v1.1.xml"+forWorkshop, "what automx 1 and mailcow answer", "no program asks so"),
	noDoor("/.well-known/mail/config-v1.1.xml"+forWorkshop, "", "no program asks so; it was a mistake of one server"),
	noDoor("/autoconfig/v1.1/example.com", "", "the path of Thunderbird's own database; whoever sets another one writes its path as well"),
}

func inQuery(query, by, right, because string) door {
	d := getDoor(autoconfigHost, "/mail/config-v1.1.xml?"+query, by, right, because)
	d.sends = "?" + query
	return d
}

var queryDoors = []door{
	inQuery("emailaddress=workshop%40example.com", "most programs", isWorkshop, ""),
	inQuery("emailaddress=workshop@example.com", "FairEmail, Nextcloud Mail", isWorkshop, ""),
	inQuery("EmailAddress=workshop%40example.com", "scripts", isWorkshop, ""),
	inQuery("email=workshop%40example.com", "Autodiscover v2, links to profiles", isWorkshop, ""),
	inQuery("email%61ddress=workshop%40example.com", "nobody known", isWorkshop, ""),
	inQuery("emailaddress=workshop+shop@example.com", "FairEmail, Nextcloud Mail", "workshop@example.com, POP3", ""),
	inQuery("emailaddress=workshop%2Bshop%40example.com", "most programs", isWorkshop, ""),
	inQuery("emailaddress=+workshop%40example.com", "automx-test", isWorkshop, ""),
	inQuery("emailaddress=%20workshop%40example.com%20", "automx-test, people", isWorkshop, ""),
	inQuery("emailaddress=workshop%40example.com%0D%0A", "scripts", isWorkshop, ""),
	inQuery("emailaddress=+workshop@example.com", "nobody known", "400", "a blank or the first letter of the address: write it %2B"),
	inQuery("emailaddress=workshop%2540example.com", "after a redirect by mod_rewrite without NE", isWorkshop, ""),
	inQuery("emailaddress=workshop%252Bshop%252540example.com", "after two of them", isWorkshop, ""),
	inQuery("emailaddress=workshop%40example.com.", "people", isWorkshop, ""),
	inQuery("emailaddress=Workshop%40EXAMPLE.com", "people", "Workshop@example.com, POP3", ""),
	inQuery("emailaddress=workshop%40example.com&emailaddress=workshop@example.com", "proxies", isWorkshop, ""),
	inQuery("emailaddress=office%40example.com&emailaddress=workshop%40example.com", "nobody known", "400", "two addresses: one program reads the first, another the last"),
	inQuery("emailaddress=office%40example.com&email=workshop%40example.com", "nobody known", "400", "two addresses"),
	inQuery("x=1;emailaddress=workshop%40example.com", "nobody known", "400", "a semicolon separates for some programs, and not for others"),
	inQuery("x=1?emailaddress=workshop%40example.com", "redirects that add a query to a query", "400", "the same of a second question mark"),
	inQuery("emailaddress=workshop%40example.com#top", "nobody known", "400", "no program sends a fragment, and a name has no #"),
	inQuery("emailaddress=", "scripts without a value", "400", "an empty address is none"),
	inQuery("emailaddress=workshop", "scripts", "400", "without a domain it is no address"),
}

func posted(sends, by, body, right, because string, header ...string) door {
	return door{sends, by, overWire("POST", autodiscoverHost, "/autodiscover/autodiscover.xml", body, header...), right, because}
}

// inUTF16 has a byte order mark, little endian.
func inUTF16(text string) string {
	out := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

func inLatin1(text string) string {
	out, err := charmap.ISO8859_1.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func zlibbed(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

var (
	declared  = `<?xml version="1.0" encoding="utf-8"?>`
	bare      = strings.TrimPrefix(workshopPosted, declared)
	withHTTPS = strings.ReplaceAll(workshopPosted, "http://schemas", "https://schemas")
	jörg      = strings.Replace(workshopPosted, "workshop@example.com", "jörg@müller.example", 1)
	toMüller  = "jörg@xn--mller-kva.example, IMAP"
	asLatin1  = inLatin1(strings.Replace(jörg, "utf-8", "iso-8859-1", 1))
	chunked   = overWire("POST", autodiscoverHost, "/autodiscover/autodiscover.xml", "", "Transfer-Encoding: chunked") +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(workshopPosted), workshopPosted)
	smuggled = strings.Replace(chunked, "Transfer-Encoding", "Content-Length: 3\r\nTransfer-Encoding", 1)
	bomb     = gzipped(workshopPosted + strings.Repeat(" ", 64<<20))
)

var postedDoors = []door{
	posted("as Outlook and Thunderbird write it", "most programs", workshopPosted, isWorkshop, ""),
	posted("schema URIs by https", "scripts made from Microsoft's page", withHTTPS, isWorkshop, ""),
	posted("elements with a prefix, blanks around values", "samples of Microsoft's", `<a:Autodiscover xmlns:a="https://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><a:Request><a:EMailAddress>
  workshop@example.com </a:EMailAddress><a:AcceptableResponseSchema> `+outlookSchema+`
</a:AcceptableResponseSchema></a:Request></a:Autodiscover>`, isWorkshop, ""),
	posted("no schema", "scripts", strings.Replace(workshopPosted, "<AcceptableResponseSchema>"+outlookSchema+"</AcceptableResponseSchema>", "", 1), isWorkshop, ""),
	posted("the schema of ActiveSync alone", "telephones", poxRequest(mail("workshop@example.com"), syncSchema), "error 601", "there is no ActiveSync"),
	posted("no declaration", "scripts", bare, isWorkshop, ""),
	posted("a byte order mark", "Outlook", "\uFEFF"+workshopPosted, isWorkshop, ""),
	posted("UTF-16", "nobody known", inUTF16(strings.Replace(jörg, "utf-8", "utf-16", 1)), toMüller, ""),
	posted("UTF-8 that calls itself UTF-16", "programs for .NET", strings.Replace(jörg, "utf-8", "utf-16", 1), toMüller, ""),
	posted("`encoding=\"iso-8859-1\"`", "nobody known", asLatin1, toMüller, ""),
	posted("`encoding=\"windows-1252\"`", "nobody known", strings.Replace(asLatin1, "iso-8859-1", "windows-1252", 1), toMüller, ""),
	posted("`encoding=\"us-ascii\"`", "nobody known", strings.Replace(workshopPosted, "utf-8", "us-ascii", 1), isWorkshop, ""),
	posted("`encoding=\"us-ascii\"`, and other bytes in the address", "nobody known", strings.Replace(asLatin1, "iso-8859-1", "us-ascii", 1), "error 600", "what they mean isn't said"),
	posted("`encoding=\"x-none\"`", "nobody known", strings.Replace(workshopPosted, "utf-8", "x-none", 1), "error 600", "nobody knows how to read it"),
	posted("`version=\"1.1\"`", "nobody known", strings.Replace(workshopPosted, `version="1.0"`, `version="1.1"`, 1), isWorkshop, ""),
	posted("a document type", "nobody known", strings.Replace(workshopPosted, "?>", "?><!DOCTYPE Autodiscover>", 1), "error 600", "nobody needs one, and entities are an attack"),
	posted("two addresses", "nobody known", poxRequest(mail("office@example.com")+mail("workshop@example.com"), outlookSchema), "error 600", "one program reads the first, another the last"),
	{"another address in the query", "nobody known", overWire("POST", autodiscoverHost, "/autodiscover/autodiscover.xml?email=office%40example.com", workshopPosted), "error 600", "the same"},
	posted("`Content-Type: application/x-www-form-urlencoded`", "FairEmail", workshopPosted, isWorkshop, "", "Content-Type: application/x-www-form-urlencoded"),
	posted("`Content-Type: text/xml; charset=utf-8`", "Thunderbird", workshopPosted, isWorkshop, "", "Content-Type: text/xml; charset=utf-8"),
	posted("`Content-Type: application/xml`", "SnappyMail", workshopPosted, isWorkshop, "", "Content-Type: application/xml"),
	posted("no media type", "scripts", workshopPosted, isWorkshop, ""),
	posted("`Content-Encoding: gzip`", "nobody known", gzipped(workshopPosted), isWorkshop, "", "Content-Encoding: gzip"),
	posted("`Content-Encoding: deflate`", "nobody known", zlibbed(workshopPosted), isWorkshop, "", "Content-Encoding: deflate"),
	posted("`Content-Encoding: br`", "nobody known", workshopPosted, "415", "the answer names gzip and deflate", "Content-Encoding: br"),
	posted("what becomes more than 16 KiB", "attackers", bomb, "413", "the bound holds for what is decompressed", "Content-Encoding: gzip"),
	{"`Transfer-Encoding: chunked`", "Samsung Email", chunked, isWorkshop, ""},
	{"`Transfer-Encoding` and `Content-Length`", "attackers", smuggled, isWorkshop, "by its chunks; the connection ends, so that nothing behind it is read as a request (RFC 9112, section 6.1)"},
	posted("`Expect: 100-continue`", "curl, .NET", workshopPosted, isWorkshop, "", "Expect: 100-continue"),
}

func proxied(sends, by, right, because string, header ...string) door {
	d := getDoor(autoconfigHost, "/mail/config-v1.1.xml"+forWorkshop, by, right, because, header...)
	d.sends = sends
	return d
}

const toHTTPS = "302 to https://setup.example.com/mail/config-v1.1.xml" + forWorkshop

// The proxies in 127.0.0.0/8 and 192.0.2.0/24 are trusted.
var proxyDoors = []door{
	proxied("`X-Forwarded-Proto: https`", "a proxy", isWorkshop, "", "X-Forwarded-Proto: https"),
	proxied("`X-Forwarded-Proto: http`", "a proxy", toHTTPS, "", "X-Forwarded-Proto: http"),
	proxied("`X-Forwarded-Proto: https,http`", "a CDN that isn't trusted, and a proxy", isWorkshop, "the client says that it came by https", "X-Forwarded-Proto: https,http"),
	proxied("the same in two lines", "a CDN that isn't trusted, and a proxy", isWorkshop, "the same", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
	proxied("`X-Forwarded-Proto: http, http`", "two proxies", toHTTPS, "", "X-Forwarded-Proto: http, http"),
	proxied("`X-Forwarded-Proto: http, https`", "a CDN that isn't trusted, and a proxy", isWorkshop, "what the trusted proxy saw is https", "X-Forwarded-Proto: http, https"),
	proxied("`X-Forwarded-Proto: http, https` and `X-Forwarded-For: 203.0.113.7, 192.0.2.1`", "two trusted proxies", toHTTPS, "", "X-Forwarded-Proto: http, https", "X-Forwarded-For: 203.0.113.7, 192.0.2.1"),
	proxied("`X-Forwarded-Proto: https, http` and `X-Forwarded-For: 203.0.113.7, 192.0.2.1`", "two trusted proxies", isWorkshop, "", "X-Forwarded-Proto: https, http", "X-Forwarded-For: 203.0.113.7, 192.0.2.1"),
	proxied("`X-Forwarded-Proto: wss`", "nobody known", isWorkshop, "it isn't known to be plain", "X-Forwarded-Proto: wss"),
	{
		"`X-Forwarded-Host: autoconfig.pop.example`", "proxies",
		overWire("GET", autoconfigHost, "/mail/config-v1.1.xml", "", "X-Forwarded-Host: autoconfig.pop.example"),
		"the domain's default, IMAP", "of the Host's domain, since caches keep answers by the Host",
	},
	proxied("`Forwarded: proto=http`", "clients", isWorkshop, "it isn't read, since proxies that don't write it pass it on", "Forwarded: for=203.0.113.7;proto=http"),
}

// Each spelling gets what is right for it, over a real connection.
func TestDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}
	})
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l})
	for _, kind := range doors {
		for _, d := range kind.rows {
			if got := comesBack(t, l.Addr().String(), d.raw); got != d.right {
				t.Errorf("%s: %s: %s, want %s", kind.title, d.sends, got, d.right)
			}
		}
	}
}

// comesBack is what a client makes of the answer, in the words of the table.
func comesBack(t *testing.T, address, raw string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	head, rest := raw, ""
	if i := strings.Index(raw, "\r\n\r\n") + 4; strings.Contains(raw, "Expect: 100-continue") {
		head, rest = raw[:i], raw[i:]
	}
	go func() { _, _ = conn.Write([]byte(head)) }() // what is refused early isn't read whole
	r, err := http.ReadResponse(reader, nil)
	if rest != "" && err == nil && r.StatusCode == http.StatusContinue {
		if _, err := conn.Write([]byte(rest)); err != nil {
			t.Fatal(err)
		}
		r, err = http.ReadResponse(reader, nil)
	}
	if err != nil {
		t.Fatalf("%q: %v", firstLine(raw), err)
	}
	body := text(r)
	switch {
	case r.StatusCode/100 == 3:
		return fmt.Sprintf("%d to %s", r.StatusCode, r.Header.Get("Location"))
	case r.StatusCode != http.StatusOK:
		return fmt.Sprint(r.StatusCode)
	case strings.Contains(body, "<clientConfig"):
		c, err := thunderbird.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		login := strings.NewReplacer("%EMAILADDRESS%", "workshop@example.com").Replace(c.Incoming[0].Username)
		if !strings.Contains(strings.ToLower(firstLine(raw)), "email") {
			return "the domain's default, " + strings.ToUpper(c.Incoming[0].Type)
		}
		return login + ", " + strings.ToUpper(c.Incoming[0].Type)
	case strings.Contains(body, "<Autodiscover"):
		p, err := autodiscover.ParseResponse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if p.Error != nil {
			return "error " + p.Error.Code.String()
		}
		return p.Protocols[0].LoginName + ", " + p.Protocols[0].Type
	case strings.Contains(body, `"AutodiscoverV1"`):
		return "where POX is"
	}
	var p mailPayload
	if _, err := plist.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%q: %v in %s", firstLine(raw), err, body)
	}
	return p.PayloadContent[0].IncomingMailServerUsername + ", " + map[string]string{"EmailTypeIMAP": "IMAP", "EmailTypePOP": "POP3"}[p.PayloadContent[0].EmailAccountType]
}

func firstLine(text string) string { line, _, _ := strings.Cut(text, "\r\n"); return line }

// docs/integrators.md shows the table.
func TestThePageShowsTheDoors(t *testing.T) {
	t.Parallel()
	const file = "../../docs/integrators.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`(?s)<!-- doors -->\n.*<!-- /doors -->`).ReplaceAllLiteralString(string(raw), "<!-- doors -->\n"+doorsTable()+"<!-- /doors -->")
	switch {
	case !strings.Contains(page, doorsTable()):
		t.Error("there is no place for the table")
	case *updateDoors:
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	case page != string(raw):
		t.Errorf("%s isn't what the table says: go test ./internal/server -run Doors -update-doors", file)
	}
}

func doorsTable() string {
	var b strings.Builder
	for _, kind := range doors {
		fmt.Fprintf(&b, "### %s\n\n| Sent | By | Answer |\n|---|---|---|\n", kind.title)
		for _, d := range kind.rows {
			sends, right := d.sends, d.right
			if method, _, _ := strings.Cut(sends, " "); strings.HasPrefix(sends, "?") || slices.Contains([]string{"GET", "POST", "PROPFIND"}, method) {
				sends = "`" + sends + "`"
			}
			if d.because != "" {
				right += ": " + d.because
			}
			by := d.by
			if by == "" {
				by = "nobody known"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", sends, by, right)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
