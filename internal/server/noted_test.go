package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/trace"
	"autoconfig/settings"
)

// Every way in which programs ask leaves one line with what it got, and nothing of whom.
func TestWhatWasAskedIsRemembered(t *testing.T) {
	t.Parallel()
	kept := trace.New(20, 100)
	w := newWorld(t, func(o *servertest.Options) { o.Trace = kept })
	const agent = "Mozilla/5.0 Thunderbird/128.0"
	digest := "?emailaddress=EVOLUTIONUSER%40example.com&emailmd5=" + md5Hex("workshop@example.com")
	w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress=workshop%40example.com", "", "User-Agent", agent)
	w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress=WORKSHOP%40example.com", "", "User-Agent", "okhttp/4.12.0")
	w.ask(t, http.MethodGet, autoconfigURL+digest, "", "User-Agent", agent)
	w.ask(t, http.MethodGet, "http://autoconfig.example.com/mail/config-v1.1.xml", "", "User-Agent", "")
	w.ask(t, http.MethodPost, poxURL, poxRequest(mail("office@example.com"), outlookSchema), "User-Agent", "Microsoft Office/16.0")
	w.ask(t, http.MethodPost, poxURL, poxRequest(mail("office@example.com"), outlookSchema), "Content-Type", "application/x-www-form-urlencoded")
	w.ask(t, http.MethodGet, "http://x/autodiscover/autodiscover.json?Email=office@example.com&Protocol=AutodiscoverV1", "")
	w.ask(t, http.MethodGet, "http://x/email.mobileconfig?email=office@example.com", "", "User-Agent", "Mozilla/5.0 Safari")
	w.ask(t, http.MethodGet, "http://x/v1.1/example.com", "", "User-Agent", agent)
	// What isn't about a served domain, or says none, is counted alone.
	w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress=a%40other.example", "", "User-Agent", agent)
	w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress=nonsense", "", "User-Agent", agent)
	w.ask(t, http.MethodPost, poxURL, "nonsense", "User-Agent", agent)

	workshop, office := kept.Token(settings.MustAddress("workshop@example.com")), kept.Token(settings.MustAddress("office@example.com"))
	names := map[trace.Token]string{workshop: "workshop", office: "office", {}: "nobody"}
	var lines []string
	for _, r := range kept.Of("example.com") {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", r.Client.ID(), r.Format, r.Outcome, r.Protocol, names[r.Address]))
	}
	want := []string{
		"thunderbird autoconfig answered pop3 workshop",
		"okhttp autoconfig answered pop3 workshop",
		"evolution autoconfig answered pop3 nobody",
		"none autoconfig answered imap nobody",
		"outlook autodiscover answered imap office",
		"fairemail autodiscover answered imap office",
		"none autodiscover_json answered  office",
		"browser mobileconfig answered imap office",
		"thunderbird autoconfig answered imap nobody",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("remembered:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	metrics := text(do(w.server.Private(), http.MethodGet, "http://127.0.0.1/metrics", ""))
	for _, line := range []string{
		`{client="thunderbird",format="autoconfig",outcome="answered"} 2`,
		`{client="thunderbird",format="autoconfig",outcome="unknown"} 1`,
		`{client="thunderbird",format="autoconfig",outcome="refused"} 1`,
		`{client="thunderbird",format="autodiscover",outcome="refused"} 1`,
		`{client="evolution",format="autoconfig",outcome="answered"} 1`,
	} {
		if !strings.Contains(metrics, "autoconfig_client_requests_total"+line) {
			t.Errorf("no %s in\n%s", line, metrics)
		}
	}
	// The private listener tells of a domain, of an alias, and of one address.
	for target, want := range map[string]int{
		"domain=example.com": 9, "domain=example.net": 9, "address=Workshop@example.com": 2, "domain=example.com&address=nobody@example.com": 0,
	} {
		body := text(do(w.server.Private(), http.MethodGet, "http://127.0.0.1/trace?"+target, ""))
		if got := strings.Count(body, `"at":`); got != want || strings.Contains(body, "orkshop") {
			t.Errorf("%s: %d requests, want %d: %s", target, got, want, body)
		}
	}
	for target, want := range map[string]int{"domain=other.example": http.StatusNotFound, "domain=": http.StatusBadRequest, "address=x": http.StatusBadRequest} {
		if r := do(w.server.Private(), http.MethodGet, "http://127.0.0.1/trace?"+target, ""); r.StatusCode != want {
			t.Errorf("%s: %s, want %d", target, r.Status, want)
		}
	}
}

// A known account and an unknown one leave the same but for the protocol that anybody may
// ask for, and the token.
func TestARememberedRequestTellsNobodyApart(t *testing.T) {
	t.Parallel()
	kept := trace.New(20, 100)
	w := newWorld(t, func(o *servertest.Options) { o.Trace = kept })
	for _, who := range []string{"office", "nobody"} {
		w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress="+who+"%40example.com", "")
	}
	all := kept.Of("example.com")
	if len(all) != 2 {
		t.Fatal(all)
	}
	if all[0].Address == all[1].Address {
		t.Error("one token for two")
	}
	all[0].At, all[0].Address = all[1].At, all[1].Address
	if all[0] != all[1] {
		t.Errorf("%+v and %+v", all[0], all[1])
	}
}

// A program that comes over plain http because our certificate fails, and never follows to
// https, leaves nothing but this.
func TestWhatIsLedToHTTPSIsRemembered(t *testing.T) {
	t.Parallel()
	kept := trace.New(20, 100)
	w := newWorld(t, func(o *servertest.Options) { o.Trace = kept })
	plain := w.server.Public(true)
	for _, target := range []string{
		"http://autodiscover.example.com/autodiscover/autodiscover.xml",
		"http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=workshop%40example.com",
		"http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40example.com&emailmd5=" + md5Hex("workshop@example.com"),
		"http://x/v1.1/example.com",
		"http://x/email.mobileconfig?email=nobody@example.com",
		"http://autoconfig.example.com/", // a page, which isn't a configuration
		"http://autoconfig.other.example/mail/config-v1.1.xml?emailaddress=a%40other.example",
	} {
		do(plain, http.MethodGet, target, "")
	}
	workshop, nobody := kept.Token(settings.MustAddress("workshop@example.com")), kept.Token(settings.MustAddress("nobody@example.com"))
	names := map[trace.Token]string{workshop: "workshop", nobody: "nobody", {}: ""}
	var lines []string
	for _, r := range kept.Of("example.com") {
		lines = append(lines, fmt.Sprintf("%s %s%s %s", r.Format, r.Outcome, r.Protocol, names[r.Address]))
	}
	want := []string{
		"autodiscover redirected ", "autoconfig redirected workshop", "autoconfig redirected ", "autoconfig redirected ",
		"mobileconfig redirected nobody",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("remembered:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	if kept.Of("other.example") != nil {
		t.Error("a domain that isn't served is kept")
	}
}
