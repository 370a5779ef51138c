package server_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/settings"
)

const formType = servertest.FormType

// linked is a world with a clock and a link.
type linked struct {
	*world
	keeper *links.Keeper
	token  string
	id     string
	now    time.Time
}

func newLinked(t *testing.T, change ...func(*links.Order)) *linked {
	t.Helper()
	l := &linked{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	l.world = newWorld(t, func(o *servertest.Options) {
		o.Now = func() time.Time { return l.now }
		o.Links.Now = o.Now
		l.keeper = o.Links
	})
	o := links.Order{Address: settings.MustAddress("workshop@example.com"), Domain: "example.com", By: "staff:eva"}
	for _, f := range change {
		f(&o)
	}
	token, made, err := l.keeper.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l.token, l.id = token, made.ID
	return l
}

func (l *linked) used(t *testing.T) int {
	t.Helper()
	link, err := l.keeper.Store.Link(t.Context(), l.id)
	if err != nil {
		t.Fatal(err)
	}
	return link.Used
}

func (l *linked) path() string { return "http://setup.example.com/s/" + l.token }

// Looking at a link uses nothing up; the button does, and opens the page for its
// browser alone.
func TestOnlyTheButtonUsesALink(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
		for _, agent := range []string{"WhatsApp/2.23", "Mozilla/5.0 (iPhone)"} {
			r := l.ask(t, method, l.path(), "", "User-Agent", agent)
			body := text(r)
			if r.StatusCode != http.StatusOK || strings.Contains(body, "pop.example.com") || strings.Contains(body, "Workshop<") {
				t.Errorf("%s by %s: %s\n%s", method, agent, r.Status, body)
			}
		}
	}
	if r := l.ask(t, http.MethodGet, l.path()+"/profile", ""); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/s/"+l.token {
		t.Errorf("the profile without a use: %s", r.Status)
	}
	if n := l.used(t); n != 0 {
		t.Fatalf("%d uses by looking", n)
	}
	r := l.ask(t, http.MethodPost, l.path(), "do=settings&device=windows", "Content-Type", formType)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/s/"+l.token+"?device=windows" || l.used(t) != 1 {
		t.Fatalf("the button: %s %v, %d uses", r.Status, r.Header, l.used(t))
	}
	cookie := r.Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/s/"+l.token {
		t.Errorf("cookie: %+v", cookie)
	}
	pass := cookie.Name + "=" + cookie.Value
	page := text(l.ask(t, http.MethodGet, l.path()+"?device=windows&program=outlook_classic", "", "Cookie", pass))
	for _, want := range []string{"pop.example.com", "995", "Workshop", "POP3", "Outlook (classic)", "Back up"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	profile := l.ask(t, http.MethodGet, l.path()+"/profile", "", "Cookie", pass)
	if body := text(profile); profile.StatusCode != http.StatusOK || !strings.Contains(body, "EmailTypePOP") || !strings.Contains(body, "<string>Workshop</string>") {
		t.Errorf("profile: %s\n%s", profile.Status, body)
	}
	// Again within the window: free. From another browser: gone.
	if r := l.ask(t, http.MethodPost, l.path(), "do=profile", "Content-Type", formType, "Cookie", pass); r.StatusCode != http.StatusSeeOther || l.used(t) != 1 {
		t.Errorf("again: %s, %d uses", r.Status, l.used(t))
	}
	for name, cookie := range map[string]string{"another browser": "", "a forged pass": "setup=99999999999.x"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := l.ask(t, method, l.path(), "", "Content-Type", formType, "Cookie", cookie)
			if body := text(r); r.StatusCode != http.StatusGone || !strings.Contains(body, "already been used") || !strings.Contains(body, "help@example.com") {
				t.Errorf("%s, %s: %s\n%s", name, method, r.Status, body)
			}
		}
	}
	l.now = l.now.Add(links.Window)
	if r := l.ask(t, http.MethodGet, l.path(), "", "Cookie", pass); r.StatusCode != http.StatusGone {
		t.Errorf("after the window: %s", r.Status)
	}
	events, err := l.keeper.Store.LinkEvents(t.Context(), l.id)
	if err != nil || len(events) != 4 {
		t.Errorf("%+v %v", events, err)
	}
}

func TestTwoButtonsAtOnce(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	var won, gone atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			switch r := l.ask(t, http.MethodPost, l.path(), "do=settings", "Content-Type", formType); r.StatusCode {
			case http.StatusSeeOther:
				won.Add(1)
			case http.StatusGone:
				gone.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || gone.Load() != 1 {
		t.Errorf("%d won, %d were told that it is gone", won.Load(), gone.Load())
	}
}

// A link says nothing of another account, is kept by nobody, and ends kindly.
func TestALinkIsForOneAccount(t *testing.T) {
	t.Parallel()
	l := newLinked(t, func(o *links.Order) { o.Language = "en"; o.Uses = 2 })
	r := l.ask(t, http.MethodPost, l.path(), "do=settings&address=office%40example.com", "Content-Type", formType)
	pass := r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
	for _, path := range []string{"", "?address=office%40example.com", "/profile?emailaddress=office%40example.com", "/PROFILE"} {
		r := l.ask(t, http.MethodGet, l.path()+path, "", "Cookie", pass)
		if body := text(r); r.StatusCode != http.StatusOK || strings.Contains(body, "office") || strings.Contains(body, "Front") {
			t.Errorf("%s: %s\n%s", path, r.Status, body)
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
			if got := r.Header.Get(name); got != want && !(strings.HasPrefix(strings.ToLower(path), "/profile") && name == "Cache-Control" && strings.Contains(got, "no-store")) {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	token, _, err := l.keeper.Make(t.Context(), links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if body := text(l.ask(t, http.MethodGet, "http://setup.example.com/s/"+token, "", "Cookie", pass)); strings.Contains(body, "imap.example.com") {
		t.Error("one link's pass opens another")
	}
	link, _ := l.keeper.Store.Link(t.Context(), l.id)
	if err := l.keeper.Revoke(t.Context(), link, "staff:eva"); err != nil {
		t.Fatal(err)
	}
	if r := l.ask(t, http.MethodGet, l.path(), "", "Cookie", pass); r.StatusCode != http.StatusGone || !strings.Contains(text(r), "revoked") {
		t.Errorf("revoked: %s", r.Status)
	}
}

// Whoever guesses is soon sent away, also with a link that is right.
func TestGuessingLinksIsLimited(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	status := map[int]int{}
	for range 40 {
		r := l.ask(t, http.MethodGet, "http://setup.example.com/s/"+strings.Repeat("0", 26), "")
		status[r.StatusCode]++
	}
	if status[http.StatusNotFound] != 20 || status[http.StatusTooManyRequests] != 20 {
		t.Errorf("%v", status)
	}
	if r := l.ask(t, http.MethodGet, l.path(), ""); r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right one: %s", r.Status)
	}
	l.now = l.now.Add(time.Minute)
	if r := l.ask(t, http.MethodGet, l.path(), ""); r.StatusCode != http.StatusOK {
		t.Errorf("a minute later: %s", r.Status)
	}
}

// The page for everyone tells nobody's name, device or reason, and the same of an
// account that doesn't exist.
func TestTheSetupPageForEveryone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(form string, header ...string) (int, string) {
		r := w.ask(t, http.MethodPost, "http://autoconfig.example.com/", form, append([]string{"Content-Type", formType}, header...)...)
		return r.StatusCode, text(r)
	}
	status, page := post("address=workshop%40example.com&device=windows&program=thunderbird")
	if status != http.StatusOK || !strings.Contains(page, "pop.example.com") || !strings.Contains(page, "a copy on the server") {
		t.Errorf("%d\n%s", status, page)
	}
	for _, secret := range []string{"Workshop", "small mailbox", "Why POP3", "second device"} {
		if strings.Contains(page, secret) {
			t.Errorf("it tells %q", secret)
		}
	}
	_, known := post("address=nothing%40example.com&device=mac")
	_, unknown := post("address=nobodyx%40example.com&device=mac")
	if strings.ReplaceAll(unknown, "nobodyx", "nothing") != known {
		t.Error("an account that has nothing of its own differs from one that doesn't exist")
	}
	for form, want := range map[string]string{
		"address=x+y":            "looks like name@example.com",
		"address=":               "looks like name@example.com",
		"address=a%40other.test": "isn&#39;t set up here",
		"address=%3Cscript%3Ealert(1)%3C%2Fscript%3E":     "looks like name@example.com",
		"address=%22%3E%3Cimg src=x%3E%22%40nowhere.test": "isn&#39;t set up here",
	} {
		if status, page := post(form); status != http.StatusUnprocessableEntity || !strings.Contains(page, want) || strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
			t.Errorf("%s: %d\n%s", form, status, page)
		}
	}
	if r := w.ask(t, http.MethodPost, "http://x/", `{"address":"office@example.com"}`, "Content-Type", "application/json"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("another media type: %s", r.Status)
	}
	if status, _ := post("address=" + strings.Repeat("x", 20_000)); status != http.StatusBadRequest {
		t.Errorf("a large form: %d", status)
	}
	r := w.ask(t, http.MethodGet, "http://autoconfig.example.com/", "")
	csp := r.Header.Get("Content-Security-Policy")
	if !strings.Contains(text(r), "Example Mail") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("brand or policy: %s", csp)
	}
	if body := text(w.ask(t, http.MethodGet, "http://evil.test/", "")); strings.Contains(body, "evil.test") {
		t.Error("a Host is repeated")
	}
}

// What a program can't do, it isn't told to do.
func TestInstructionsFitTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for form, want := range map[string][]string{
		"address=workshop%40example.com&device=android":                             {"not possible", "by hand", "Another program"},
		"address=workshop%40example.com&device=android&program=spark":               {"supports only IMAP"},
		"address=workshop%40example.com&device=android&program=thunderbird_android": {"find these settings by itself", "QR code for Thunderbird"},
		"address=office%40example.com&device=android&program=k9":                    {"Enter your mail address, then your password."},
		"address=workshop%40example.com&device=iphone":                              {"/email.mobileconfig?emailaddress=workshop%40example.com", "Deleted from server", "Profile Downloaded"},
		"address=a%40plain.example&device=iphone":                                   {"can&#39;t contain these settings", "Mail Accounts, Add Account"},
		"address=a%40oauth.example&device=mac":                                      {"can&#39;t contain these settings", "Other Mail Account", "OAuth2"},
		"address=office%40example.com&device=linux":                                 {"Evolution", "KMail", "Thunderbird"},
		"address=office%40several.example&device=other":                             {"https://dav.several.example/contacts/", "https://mail.several.example/"},
		"address=office%40login.example&device=windows":                             {`<code class="copy">office</code>`},
		"address=office%40starttls.example&device=linux":                            {"STARTTLS"},
	} {
		page := text(w.ask(t, http.MethodPost, "http://setup.example.com/", form, "Content-Type", formType))
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s has no %q:\n%s", form, w, page)
			}
		}
	}
}

// Paths that try to leave their place, and values that try to become headers, do
// neither.
func TestPathsAndHeadersStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	for _, path := range []string{"/s/..%2f", "/s/%2e%2e/", "/s/" + l.token + "/..%2f..%2fprofile", "/s/" + l.token + "%2fprofile", "/s/" + l.token + "/../profile", "/assets/..%2fmessages%2fen.json", "/assets/%2e%2e/pages/setup.html", "/assets/colour/..%2fpage.css", "/s/" + l.token + "%00", "//s//" + l.token + "//profile"} {
		r := l.ask(t, http.MethodGet, "http://setup.example.com"+path, "")
		if body := text(r); r.StatusCode == http.StatusOK && path[:2] != "//" || strings.Contains(body, "{{") || strings.Contains(body, "Workshop") {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	for _, value := range []string{"de\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:%20a=b", "de;q=1\x00"} {
		escaped := strings.NewReplacer("\r", "%0d", "\n", "%0a", " ", "%20", "\x00", "%00").Replace(value)
		r := l.ask(t, http.MethodPost, l.path(), "do=settings&device="+escaped+"&lang="+escaped, "Content-Type", formType)
		for name, values := range r.Header {
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n\x00") || name == "Set-Cookie" && strings.HasPrefix(v, "a=b") || name == "Location" && !strings.HasPrefix(v, "/s/"+l.token+"?device=") {
					t.Errorf("%q became %s: %q", value, name, v)
				}
			}
		}
	}
}
