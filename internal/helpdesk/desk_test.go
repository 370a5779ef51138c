package helpdesk_test

import (
	"context"
	"encoding/base32"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// signInFor is the sign-in that leads back to a page.
func signInFor(path string) string {
	if path == "/helpdesk/" {
		return "/helpdesk/sign-in"
	}
	return "/helpdesk/sign-in?next=" + url.QueryEscape(path)
}

// After the sign-in the page comes that was asked for, and no other site.
func TestTheSignInLeadsBack(t *testing.T) {
	t.Parallel()
	at := time.Now()
	now := func() time.Time { return at }
	o := servertest.NewOffice(t, func(o *servertest.Options) { o.Now, o.Desk.Now = now, now })
	password, second := o.Add(t, "eva", staff.Admin, "*")
	for asked, want := range map[string]string{
		"/helpdesk/account?address=office%40example.com": "/helpdesk/account?address=office%40example.com", "/helpdesk/links?lang=de": "/helpdesk/links?lang=de",
		"": "/helpdesk/", "https://evil.example/helpdesk/": "/helpdesk/", "//evil.example/helpdesk/": "/helpdesk/", "https:/helpdesk/": "/helpdesk/",
		"/helpdesk/../../x": "/helpdesk/", `/helpdesk/\evil.example`: "/helpdesk/", "/elsewhere": "/helpdesk/", "/helpdesk//evil": "/helpdesk/", "javascript:x": "/helpdesk/",
	} {
		at = at.Add(30 * time.Second) // a code is taken once
		v := o.Visitor(t)
		kept := func(body string) string {
			if next := regexp.MustCompile(`name="next" value="([^"]*)"`).FindStringSubmatch(body); next != nil {
				return html.UnescapeString(next[1])
			}
			return ""
		}
		// The page keeps it in its form, after a wrong password as well, and so does the second step.
		_, body := v.Get("/helpdesk/sign-in?next=" + url.QueryEscape(asked))
		_, body = v.Post("/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {"x"}, "next": {kept(body)}})
		first, _ := v.Post("/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {password}, "next": {kept(body)}})
		page := first.Header.Get("Location")
		if !strings.HasPrefix(page, "/helpdesk/code") {
			t.Fatalf("%q: the first step leads to %q, %s", asked, page, first.Status)
		}
		_, body = v.Get(page)
		_, body = v.Post("/helpdesk/code", url.Values{"code": {"x"}, "next": {kept(body)}})
		last, _ := v.Post("/helpdesk/code", url.Values{"code": {staff.Code(second, at)}, "next": {kept(body)}})
		if got := last.Header.Get("Location"); last.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%q leads to %q, %s, want %q", asked, got, last.Status, want)
		}
		// Nor is it taken from a form that isn't ours.
		stray, _ := o.Visitor(t).Post("/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {password}, "next": {asked}})
		if got := stray.Header.Get("Location"); strings.Contains(got, "evil") {
			t.Errorf("%q, in a form, leads to %q", asked, got)
		}
	}
	// Whoever has no second factor yet is led there by the first step.
	password = reset(t, o, "otto")
	if r, _ := o.Visitor(t).Post("/helpdesk/sign-in", url.Values{"name": {"otto"}, "password": {password}, "next": {"/helpdesk/links"}}); r.Header.Get("Location") != "/helpdesk/links" {
		t.Errorf("without a second factor: %s to %q", r.Status, r.Header.Get("Location"))
	}
}

// A whole address and a single hit open the account; what isn't served is said.
func TestSearchGoesStraightToTheAccount(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.SignedIn(t, "eva", staff.Admin, "*")
	for query, want := range map[string]string{"office@example.com": "office%40example.com", "workshop": "workshop%40example.com", "nobody@example.com": "nobody%40example.com"} {
		if r, _ := v.Get("/helpdesk/?q=" + url.QueryEscape(query)); r.Header.Get("Location") != "/helpdesk/account?address="+want {
			t.Errorf("%s: %s, to %q", query, r.Status, r.Header.Get("Location"))
		}
	}
	if _, body := v.Get("/helpdesk/?q=x%40gmail.com"); !strings.Contains(body, "gmail.com isn&#39;t served here") {
		t.Errorf("gmail.com:\n%s", body)
	}
}

// A slip in a domain is met with the one that was probably meant, of those that one serves.
func TestADomainThatWasProbablyMeant(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	all, one := o.SignedIn(t, "eva", staff.Admin, "*"), o.SignedIn(t, "max", staff.Staff, "example.org")
	if _, body := all.Get("/helpdesk/?q=a%40exampel.com"); !strings.Contains(body, "exampel.com isn&#39;t served here. Did you mean: <a href=\"/helpdesk/?q=a%40example.com\">a@example.com</a>") {
		t.Errorf("exampel.com:\n%s", body)
	}
	if _, body := all.Get("/helpdesk/?q=a%40gmail.com"); strings.Contains(body, "Did you mean") {
		t.Errorf("gmail.com:\n%s", body)
	}
	if _, body := one.Get("/helpdesk/?q=a%40exampel.com"); strings.Contains(body, "a@example.com") {
		t.Errorf("who doesn't serve example.com is told of it:\n%s", body)
	}
	r, body := all.Post("/helpdesk/people", url.Values{"name": {"tom"}, "role": {"staff"}, "domains": {"exampel.com"}})
	if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "exampel.com isn&#39;t served here. Did you mean: example.com") {
		t.Errorf("%s\n%s", r.Status, body)
	}
}

// A link says who made it by the name that people know.
func TestWhoMadeALink(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.SignedIn(t, "eva", staff.Admin, "*")
	if r, body := v.Post("/helpdesk/links", url.Values{"address": {"office@example.com"}, "hours": {"24"}, "uses": {"1"}}); r.StatusCode >= 400 {
		t.Fatalf("%s %s", r.Status, body)
	}
	if _, body := v.Get("/helpdesk/links"); !strings.Contains(body, `">eva</td>`) || strings.Contains(body, "staff:eva") {
		t.Error(body)
	}
}

// Nothing is shown to whoever isn't signed in, by any page.
func TestStaffPagesNeedASignIn(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.Visitor(t)
	for _, path := range []string{"/helpdesk/", "/helpdesk/account?address=office%40example.com", "/helpdesk/links", "/helpdesk/links/x", "/helpdesk/people", "/helpdesk/audit", "/helpdesk/audit.csv", "/helpdesk/own", "/helpdesk/enrol"} {
		for _, cookie := range []string{"", "helpdesk=guessed"} {
			if r, body := v.Do(http.MethodGet, path, nil, "Cookie", cookie); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != signInFor(path) || len(body) > 0 {
				t.Errorf("%s: %s", path, r.Status)
			}
		}
	}
	for _, path := range []string{"/helpdesk/links", "/helpdesk/links/x/revoke", "/helpdesk/links/x/send", "/helpdesk/people", "/helpdesk/people/x/remove", "/helpdesk/people/x/reset", "/helpdesk/own", "/helpdesk/enrol", "/helpdesk/sign-out"} {
		if r, _ := v.Post(path, nil); r.StatusCode != http.StatusSeeOther {
			t.Errorf("POST %s: %s", path, r.Status)
		}
	}
	if r, body := v.Get("/helpdesk/nowhere"); r.StatusCode != http.StatusNotFound {
		t.Errorf("nowhere: %s %s", r.Status, body)
	}
}

// A sign-in needs everything that it takes; a session is new with each, and ends.
func TestSigningIn(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password, second := o.Add(t, "eva", staff.Staff, "example.com")
	code := func() string { return staff.Code(second, time.Now()) }
	v := o.Visitor(t)
	for name, form := range map[string]url.Values{
		"wrong password": {"name": {"eva"}, "password": {"x"}},
		"a code for it":  {"name": {"eva"}, "password": {code()}, "code": {code()}},
		"nobody":         {"name": {"<b>otto</b>"}, "password": {password}},
	} {
		r, body := v.Post("/helpdesk/sign-in", form)
		if r.StatusCode != http.StatusUnauthorized || len(r.Cookies()) > 0 || !strings.Contains(body, "is wrong") || strings.Contains(body, "<b>otto") {
			t.Errorf("%s: %s", name, r.Status)
		}
		if r, _ := v.Post("/helpdesk/code", url.Values{"code": {code()}}); r.StatusCode != http.StatusUnauthorized || len(r.Cookies()) > 0 {
			t.Errorf("a second step after %s: %s %v", name, r.Status, r.Cookies())
		}
	}
	for name, code := range map[string]string{"no code": "", "a wrong code": "x"} {
		r, body := v.SignsIn("eva", password, code)
		if r.StatusCode != http.StatusUnauthorized || len(r.Cookies()) > 0 || !strings.Contains(body, "code is wrong") {
			t.Errorf("%s: %s %v", name, r.Status, r.Cookies())
		}
	}
	r, _ := v.SignsIn("eva", password, code())
	first := cookieOf(r, "helpdesk")
	if r.StatusCode != http.StatusSeeOther || !first.HttpOnly || first.SameSite != http.SameSiteLaxMode {
		t.Fatalf("%s %+v", r.Status, first)
	}
	if r, body := v.Get("/helpdesk/"); r.StatusCode != http.StatusOK || strings.Contains(body, "/helpdesk/people") {
		t.Errorf("staff: %s", r.Status)
	}
	for _, path := range []string{"/helpdesk/people", "/helpdesk/audit", "/helpdesk/audit.csv"} {
		if r, _ := v.Get(path); r.StatusCode != http.StatusForbidden {
			t.Errorf("staff at %s: %s", path, r.Status)
		}
	}
	log, err := o.Desk.Store.Entries(t.Context(), staff.EntryFilter{Limit: 5})
	if err != nil || len(log) != 5 || log[1].Subject != "eva" && log[1].Subject != "unknown name" || strings.Contains(log[0].Subject+log[1].Subject+log[2].Subject+log[3].Subject, "otto") {
		t.Errorf("a name that isn't known may be a password: %+v %v", log, err)
	}
	if r, _ := v.Post("/helpdesk/sign-out", nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("sign-out: %s", r.Status)
	}
	if r, _ := v.Do(http.MethodGet, "/helpdesk/", nil, "Cookie", "helpdesk="+first.Value); r.StatusCode != http.StatusSeeOther {
		t.Errorf("the session goes on after the sign-out: %s", r.Status)
	}
}

// cookieOf is the cookie of a name; an empty one if there is none.
func cookieOf(r *http.Response, name string) *http.Cookie {
	for _, c := range r.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return &http.Cookie{}
}

func TestSignInsAreLimited(t *testing.T) {
	t.Parallel()
	now := time.Now()
	o := servertest.NewOffice(t, func(o *servertest.Options) { o.Now = func() time.Time { return now } })
	v := o.Visitor(t)
	status := map[int]int{}
	for range 25 {
		r, _ := v.Post("/helpdesk/sign-in", url.Values{"name": {"nobody"}, "password": {"x"}})
		status[r.StatusCode]++
	}
	if status[http.StatusUnauthorized] != 20 || status[http.StatusTooManyRequests] != 5 {
		t.Errorf("%v", status)
	}
}

// What other sites send is refused, and so are names that aren't ours.
func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.SignedIn(t, "root", staff.Admin, "*")
	form := url.Values{"name": {"mallory"}, "role": {"admin"}, "domains": {"*"}}
	for name, header := range map[string][]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
		"another origin": {"Sec-Fetch-Site", "", "Origin", "https://evil.test"}, "another name": {"Host", "evil.test"},
	} {
		if r, _ := v.Do(http.MethodPost, "/helpdesk/people", form, header...); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	people, err := o.Desk.Store.People(t.Context())
	if err != nil || len(people) != 1 {
		t.Errorf("%d people, %v", len(people), err)
	}
	if r, body := v.Do(http.MethodGet, "/helpdesk/", nil, "Host", "evil.test"); r.StatusCode != http.StatusForbidden || strings.Contains(body, "evil.test") {
		t.Errorf("another name: %s", r.Status)
	}
	r, _ := v.Get("/helpdesk/")
	csp := r.Header.Get("Content-Security-Policy")
	if r.Header.Get("X-Frame-Options") != "DENY" || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.Header)
	}
}

// Staff of one domain see nothing of another's: no account, link, person or line
// of the log.
func TestStaffServeTheirDomains(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	root := o.SignedIn(t, "root", staff.Admin, "*")
	link, id := root.Makes("workshop@example.com")
	other := o.SignedIn(t, "otto", staff.Admin, "pop.example")
	for path, want := range map[string]int{
		"/helpdesk/?q=workshop":                             http.StatusOK,
		"/helpdesk/?q=workshop%40example.com":               http.StatusOK,
		"/helpdesk/links":                                   http.StatusOK,
		"/helpdesk/people":                                  http.StatusOK,
		"/helpdesk/audit":                                   http.StatusOK,
		"/helpdesk/audit.csv":                               http.StatusOK,
		"/helpdesk/account?address=workshop%40example.com":  http.StatusNotFound,
		"/helpdesk/account?address=workshop%40example.net":  http.StatusNotFound,
		"/helpdesk/account?address=somebody%40pop.example":  http.StatusOK,
		"/helpdesk/account?address=x":                       http.StatusBadRequest,
		"/helpdesk/account?address=somebody%40nowhere.test": http.StatusNotFound,
		"/helpdesk/links/" + id:                             http.StatusNotFound,
	} {
		r, body := other.Get(path)
		if r.StatusCode != want || strings.Contains(body, "Workshop") || strings.Contains(body, "/helpdesk/account?address=workshop") || strings.Contains(body, "staff:root") || strings.Contains(body, ">root") {
			t.Errorf("%s: %s\n%s", path, r.Status, body)
		}
	}
	if r, _ := other.Post("/helpdesk/links", url.Values{"address": {"workshop@example.com"}, "hours": {"1"}, "uses": {"1"}}); r.StatusCode != http.StatusNotFound {
		t.Errorf("a link for another's: %s", r.Status)
	}
	if r, _ := other.Post("/helpdesk/links/"+id+"/revoke", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("revoke another's: %s", r.Status)
	}
	people, _ := o.Desk.Store.People(t.Context())
	for _, p := range people {
		if p.Name == "root" {
			for _, what := range []string{"remove", "reset"} {
				if r, _ := other.Post("/helpdesk/people/"+p.ID+"/"+what, nil); r.StatusCode != http.StatusNotFound {
					t.Errorf("%s somebody else's administrator: %s", what, r.Status)
				}
			}
		}
	}
	if r, _ := other.Post("/helpdesk/people", url.Values{"name": {"x"}, "role": {"admin"}, "domains": {"*"}}); r.StatusCode != http.StatusForbidden {
		t.Errorf("more domains than one has oneself: %s", r.Status)
	}
	l, err := o.Keeper.Find(t.Context(), link[strings.LastIndexByte(link, '/')+1:])
	if err != nil || o.Keeper.StateOf(l) != links.Open {
		t.Errorf("the link: %+v %v", l, err)
	}
}

// Everything that a person may write is text on every page where it stands.
func TestNothingStoredIsMarkup(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
	site := servertest.TestSite(t)
	for i := range site.Accounts {
		site.Accounts[i].Name, site.Accounts[i].Groups = evil, []string{evil}
	}
	for i := range site.Providers {
		site.Providers[i].Name, site.Providers[i].SupportPhone = evil, evil[:30]
	}
	for i := range site.Plans {
		for j := range site.Plans[i].Policy.Rules {
			site.Plans[i].Policy.Rules[j].Name = evil
		}
	}
	if err := o.Store.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	v := o.SignedIn(t, evil[:50], staff.Admin, "*")
	order := url.Values{"address": {"workshop@example.com"}, "hours": {"24"}, "uses": {"2"}, "note": {evil}, "language": {evil}}
	r, refused := v.Post("/helpdesk/links", order)
	if r.StatusCode != http.StatusBadRequest {
		t.Errorf("a language without texts: %s", r.Status)
	}
	order.Del("language")
	r, body := v.Post("/helpdesk/links", order)
	if r.StatusCode != http.StatusOK {
		t.Fatal(r.Status, body)
	}
	link := regexp.MustCompile(`id="url">([^<]+)<`).FindStringSubmatch(body)[1]
	id := regexp.MustCompile(`/helpdesk/links/([0-9a-v]+)"`).FindStringSubmatch(body)[1]
	pages := map[string]string{"made": body, "refused": refused}
	for _, path := range []string{"/helpdesk/?q=" + url.QueryEscape(evil), "/helpdesk/?q=o", "/helpdesk/account?address=workshop%40example.com", "/helpdesk/links", "/helpdesk/links/" + id, "/helpdesk/people", "/helpdesk/audit", "/helpdesk/own", "/helpdesk/?lang=" + url.QueryEscape(evil) + "&" + url.QueryEscape(evil) + "=" + url.QueryEscape(evil)} {
		_, pages[path] = v.Get(path)
	}
	public := o.Visitor(t)
	public.Base = strings.TrimSuffix(link, link[strings.LastIndex(link, "/s/"):])
	path := link[strings.LastIndex(link, "/s/"):]
	_, pages["link"] = public.Do(http.MethodGet, path, nil, "User-Agent", evil, "Accept-Language", evil)
	public.Post(path, url.Values{"do": {"settings"}, "device": {evil}})
	_, pages["used"] = public.Get(path + "?device=" + url.QueryEscape(evil))
	_, pages["setup"] = public.Post("/", url.Values{"address": {"workshop@example.com"}, "device": {evil}})
	for name, body := range pages {
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || len(body) < 500 {
			t.Errorf("%s:\n%s", name, body)
		}
	}
}

// Removing a person ends what they have open; a new password too.
func TestPeopleComeAndGo(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	root := o.SignedIn(t, "root", staff.Admin, "*")
	shown := func(path string, form url.Values) []string {
		t.Helper()
		if r, _ := root.Post(path, form); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/helpdesk/people" {
			t.Fatalf("%s: %s to %q", path, r.Status, r.Header.Get("Location"))
		}
		_, body := root.Get("/helpdesk/people")
		if _, again := root.Get("/helpdesk/people"); strings.Contains(again, `id="password"`) {
			t.Errorf("%s: the password is shown twice", path)
		}
		return regexp.MustCompile(`id="password">([^<]+)<`).FindStringSubmatch(body)
	}
	password := shown("/helpdesk/people", url.Values{"name": {"eva"}, "role": {"staff"}, "domains": {"example.com pop.example"}})
	if password == nil {
		t.Fatal("no password is shown")
	}
	eva := o.Visitor(t)
	if r, _ := eva.Post("/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {password[1]}}); r.StatusCode != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
	// Nothing is open before the second factor is set up.
	for _, path := range []string{"/helpdesk/", "/helpdesk/links", "/helpdesk/account?address=office%40example.com"} {
		if r, _ := eva.Get(path); r.Header.Get("Location") != "/helpdesk/enrol" {
			t.Errorf("%s before the second factor: %s", path, r.Status)
		}
	}
	_, page := eva.Get("/helpdesk/enrol")
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(page)[1]
	if r, body := eva.Post("/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {"1"}}); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "isn&#39;t right") {
		t.Errorf("a wrong code: %s", r.Status)
	}
	key := regexp.MustCompile(`id="key">([A-Z2-7]+)<`).FindStringSubmatch(page)[1]
	if r, _ := eva.Post("/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {codeOf(t, key)}}); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("enrol: %s", r.Status)
	}
	if r, _ := eva.Get("/helpdesk/"); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	for _, form := range []url.Values{{"old": {"x"}, "new": {"a longer password"}}, {"old": {password[1]}, "new": {"short"}}} {
		if r, _ := eva.Post("/helpdesk/own", form); r.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%v: %s", form, r.Status)
		}
	}
	if r, _ := eva.Post("/helpdesk/own", url.Values{"old": {password[1]}, "new": {"a longer password"}}); r.StatusCode != http.StatusOK {
		t.Errorf("change the password: %s", r.Status)
	}
	if r, _ := eva.Get("/helpdesk/"); r.StatusCode != http.StatusOK {
		t.Errorf("after one's own change: %s", r.Status)
	}
	people, _ := o.Desk.Store.People(t.Context())
	for _, p := range people {
		if p.Name == "eva" {
			if next := shown("/helpdesk/people/"+p.ID+"/reset", nil); next == nil || next[1] == password[1] {
				t.Errorf("a new password: %q", next)
			}
		}
	}
	for _, p := range people {
		r, body := root.Post("/helpdesk/people/"+p.ID+"/remove", nil)
		if p.Name == "root" && (r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "remove yourself")) || p.Name == "eva" && r.StatusCode != http.StatusSeeOther {
			t.Errorf("remove %s: %s", p.Name, r.Status)
		}
	}
	if r, _ := eva.Get("/helpdesk/"); r.StatusCode != http.StatusSeeOther {
		t.Errorf("removed, and in: %s", r.Status)
	}
	_, log := root.Get("/helpdesk/audit")
	_, export := root.Get("/helpdesk/audit.csv")
	for _, want := range []string{"person added", "second factor set up", "password changed", "person removed", "staff:root", "staff:eva"} {
		if !strings.Contains(log, want) || !strings.Contains(export, want) {
			t.Errorf("the log has no %q", want)
		}
	}
}

// The way of a member of staff, in a real browser: from the sign-in to the link
// that a person has used.
func TestTheWayOfStaff(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "zbarimg")
	o := servertest.NewOffice(t)
	password, _, err := o.Desk.Add(t.Context(), staff.Actor{}, "eva", staff.Admin, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	b, phone := testkit.StartBrowser(t), testkit.StartBrowser(t)
	screen := testkit.Desktop
	var key, link, life string
	var code []byte
	b.Open(t, o.Staff.URL+"/helpdesk/", screen, servertest.Inspect(t, "staff-signin", screen),
		chromedp.SendKeys("#name", "eva"), chromedp.SendKeys("#password", password+kb.Enter),
		chromedp.WaitVisible("#key"), servertest.Inspect(t, "staff-enrol", screen), testkit.Text("#key", &key),
		chromedp.Screenshot("#qr-second", &code))
	if got := servertest.Scan(t, code); !strings.HasPrefix(got, "otpauth://totp/autoconfig:eva?secret="+key) {
		t.Errorf("the second factor's code is %q", got)
	}
	b.Do(t, chromedp.SendKeys("#code", codeOf(t, key)+kb.Enter), chromedp.WaitVisible("#codes"),
		servertest.Inspect(t, "staff-codes-first", screen), chromedp.Click(".actions a.main"), chromedp.WaitVisible("#q"),
		servertest.Inspect(t, "staff-search", screen),
		chromedp.SendKeys("#q", "work"+kb.Enter), chromedp.WaitVisible("#hours"), servertest.Inspect(t, "staff-account", screen),
		chromedp.SendKeys("#note", "ticket 7"), chromedp.Submit("#note"),
		chromedp.WaitVisible("#url"), servertest.Inspect(t, "staff-made", screen), testkit.Text("#url", &link),
		chromedp.Screenshot("#qr-link", &code))
	if got := servertest.Scan(t, code); got != link || !strings.HasPrefix(link, o.Public.URL+"/s/") {
		t.Errorf("the link is %q, its code %q", link, got)
	}
	phone.Open(t, link, testkit.Phone, servertest.As(links.IPhone), chromedp.Reload(), chromedp.Click("button[value=settings]"), chromedp.WaitVisible("#steps"))
	b.Do(t, chromedp.Navigate(o.Staff.URL+"/helpdesk/links"), servertest.Inspect(t, "staff-links", screen), chromedp.Click("tbody a"),
		chromedp.WaitVisible("dl"), servertest.Inspect(t, "staff-life", screen), testkit.Text("main", &life))
	for _, want := range []string{"workshop@example.com", "used", "1 of 1", "settings shown, iPhone or iPad", "ticket 7"} {
		if !strings.Contains(life, want) {
			t.Errorf("the link's life has no %q:\n%s", want, life)
		}
	}
	for _, screen := range servertest.Screens() {
		for path, name := range map[string]string{"": "search", "?q=e": "found", "account?address=workshop%40example.com": "account", "links": "links", "people": "people", "audit": "audit", "own": "own", "account?address=x": "wrong"} {
			b.Open(t, o.Staff.URL+"/helpdesk/"+path, screen, chromedp.ActionFunc(func(ctx context.Context) error {
				return network.SetExtraHTTPHeaders(network.Headers{}).Do(ctx)
			}), servertest.Visible("h1"), servertest.Inspect(t, "staff-"+name, screen))
		}
	}
}

func codeOf(t *testing.T, key string) string {
	t.Helper()
	raw, err := decodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return staff.Code(raw, time.Now())
}

func decodeKey(key string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
}

// With TLS, cookies are Secure, and the session's can be set by no other host.
func TestCookiesBehindTLS(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, func(options *servertest.Options) {
		options.StaffURL = &url.URL{Scheme: "https", Host: "desk.example.com"}
		options.PublicURL = &url.URL{Scheme: "https", Host: "setup.example.com"}
	})
	password, second := o.Add(t, "eva", staff.Staff, "*")
	v := o.Visitor(t)
	first, _ := v.Do(http.MethodPost, "/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {password}, "lang": {"de"}}, "Host", "desk.example.com")
	if first.StatusCode != http.StatusSeeOther || len(first.Cookies()) != 1 {
		t.Fatal(first.Status)
	}
	half := first.Cookies()[0] // the jar doesn't send it over plain http
	r, _ := v.Do(http.MethodPost, "/helpdesk/code", url.Values{"code": {staff.Code(second, time.Now())}}, "Host", "desk.example.com", "Cookie", half.Name+"="+half.Value)
	if r.StatusCode != http.StatusSeeOther || len(r.Cookies()) != 3 {
		t.Fatal(r.Status, r.Cookies())
	}
	for _, c := range append(r.Cookies(), half) {
		if !c.Secure || !c.HttpOnly || c.Domain != "" || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("%+v", c)
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost:8081", "desk.example.com.evil.test", "setup.example.com"} {
		if r, _ := o.Visitor(t).Do(http.MethodGet, "/helpdesk/sign-in", nil, "Host", host); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", host, r.Status)
		}
	}
}

// Every page of the help desk is worked by keyboard alone: whatever can be clicked
// can be reached by Tab, and shows that it is.
func TestStaffPagesByKeyboard(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password, second := o.Add(t, "eva", staff.Admin, "*")
	b := testkit.StartBrowser(t)
	b.Open(t, o.Staff.URL+"/helpdesk/", testkit.Desktop, chromedp.Focus("#name"), chromedp.KeyEvent("eva"+kb.Tab+password+kb.Enter), chromedp.SendKeys("#code", staff.Code(second, time.Now())+kb.Enter), chromedp.WaitVisible("#q"))
	for _, path := range []string{"", "?q=o", "account?address=workshop%40example.com", "links", "people", "audit", "own"} {
		var unreached []string
		b.Do(t, chromedp.Navigate(o.Staff.URL+"/helpdesk/"+path), chromedp.WaitVisible("h1"))
		var count, parts int // a date's day, month, year and calendar have a stop each
		b.Do(t, chromedp.Evaluate(`4 * document.querySelectorAll("input[type=date]").length`, &parts))
		b.Do(t, chromedp.Evaluate(`window.reached = new Set(); document.addEventListener("focusin", e => { const s = getComputedStyle(e.target); if (s.outlineStyle !== "none" || e.target.matches("input[type=radio]")) reached.add(e.target) }); document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary").length`, &count))
		b.Do(t, chromedp.KeyEvent(strings.Repeat(kb.Tab, count+parts+2)),
			chromedp.Evaluate(`[...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")].filter(e => !reached.has(e)).map(e => e.outerHTML)`, &unreached))
		if count < 8 || len(unreached) > 0 {
			t.Errorf("%s: of %d, these aren't reached: %v", path, count, unreached)
		}
	}
}
