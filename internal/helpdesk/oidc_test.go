package helpdesk_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"autoconfig/internal/helpdesk"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// newFederated is an office whose staff sign in at a real provider.
func newFederated(t *testing.T) (*servertest.Office, *atomic.Int64) {
	t.Helper()
	var ahead atomic.Int64 // nanoseconds of our clock
	o := servertest.NewOffice(t, func(options *servertest.Options) {
		redirect := options.StaffURL.String() + "/helpdesk/oidc/callback"
		p := testkit.StartOIDC(t, "../..", redirect, map[string]map[string]any{
			"17": {"name": "Eva", "groups": []string{"other", "desk"}, "mail_domains": []string{"example", "unknown"}, "email": "root@example.com"},
			"18": {"name": "Root", "groups": []string{"desk", "desk-admins"}, "mail_domains": "all"},
			"19": {"name": "Guest", "groups": []string{"guests"}, "mail_domains": "all"},
			"20": {"name": "Nowhere", "groups": []string{"desk"}},
		})
		options.OIDC = &helpdesk.OIDC{
			Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.Secret, RoleClaim: "groups", DomainClaim: "mail_domains",
			Roles:   map[string]staff.Role{"desk": staff.Staff, "desk-admins": staff.Admin},
			Domains: map[string][]string{"example": {"example.com", "example.net"}, "all": {staff.Everywhere}},
		}
		options.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	return o, &ahead
}

// signInAt goes through the provider's pages.
func signInAt(subject string) chromedp.Action {
	return chromedp.Tasks{
		chromedp.WaitVisible(`input[name=login]`), chromedp.SendKeys(`input[name=login]`, subject), chromedp.SendKeys(`input[name=password]`, "any"),
		chromedp.Submit(`input[name=password]`), chromedp.WaitVisible(`//button[contains(., "Continue")]`), chromedp.Click(`//button[contains(., "Continue")]`),
		chromedp.WaitVisible("#main"),
	}
}

// The code flow with PKCE at a real provider: roles and domains come from claims,
// whoever has none is refused, and a sign-out ends it.
func TestSigningInAtAnIdentityProvider(t *testing.T) {
	t.Parallel()
	o, _ := newFederated(t)
	for subject, want := range map[string]string{"17": "Who needs help?", "18": "Who needs help?", "19": "has no role here", "20": "has no role here"} {
		b := testkit.StartBrowser(t)
		var text, nav string
		b.Open(t, o.Staff.URL+"/helpdesk/", testkit.Desktop, chromedp.Click(`a[href="/helpdesk/oidc"]`), signInAt(subject), testkit.Text("main", &text), testkit.Text("body", &nav))
		if !strings.Contains(text, want) {
			t.Errorf("%s sees\n%s", subject, text)
		}
		if admin := strings.Contains(nav, "Audit log"); admin != (subject == "18") {
			t.Errorf("%s: administrator %v", subject, admin)
		}
		if subject != "17" {
			continue
		}
		p, err := o.Desk.Store.PersonBySubject(t.Context(), issuerOf(t, o), "17")
		if err != nil || p.Name != "Eva" || p.Role != staff.Staff || strings.Join(p.Domains, " ") != "example.com example.net" {
			t.Errorf("%+v %v", p, err)
		}
		b.Do(t, chromedp.Click("nav button"), chromedp.WaitVisible("#name"), chromedp.Navigate(o.Staff.URL+"/helpdesk/links"), testkit.Text("h1", &text))
		if text != "Help desk" {
			t.Errorf("after the sign-out: %q", text)
		}
	}
}

func issuerOf(t *testing.T, o *servertest.Office) string {
	people, err := o.Desk.Store.People(t.Context())
	if err != nil || len(people) == 0 {
		t.Fatal(people, err)
	}
	return people[0].Issuer
}

// Answers that don't belong to a sign-in that this browser began are refused.
func TestForgedAnswersOfAnIdentityProvider(t *testing.T) {
	t.Parallel()
	o, ahead := newFederated(t)
	v := o.Visitor(t)
	begin := func() url.Values {
		r, _ := v.Get("/helpdesk/oidc")
		to, err := url.Parse(r.Header.Get("Location"))
		if err != nil || r.StatusCode != http.StatusSeeOther {
			t.Fatal(r.Status, err)
		}
		return to.Query()
	}
	q := begin()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 26 || len(q.Get("nonce")) < 26 || q.Get("response_type") != "code" {
		t.Errorf("%v", q)
	}
	for name, query := range map[string]string{
		"wrong state": "code=x&state=wrong", "no state": "code=x", "no code": "state=" + q.Get("state"), "an error": "error=access_denied&state=" + q.Get("state"),
	} {
		begin()
		if r, body := v.Get("/helpdesk/oidc/callback?" + query); r.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "Sign-in failed") {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	q = begin()
	if r, _ := v.Get("/helpdesk/oidc/callback?code=guessed&state=" + q.Get("state")); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a guessed code: %s", r.Status)
	}
	if r, _ := v.Get("/helpdesk/oidc/callback?code=guessed&state=" + q.Get("state")); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("once more: %s", r.Status)
	}
	// An ID token that has expired by our clock.
	b := testkit.StartBrowser(t)
	var text string
	b.Open(t, o.Staff.URL+"/helpdesk/oidc", testkit.Desktop, chromedp.WaitVisible(`input[name=login]`))
	ahead.Store(int64(5 * time.Minute))
	b.Do(t, signInAt("18"), testkit.Text("main", &text))
	if !strings.Contains(text, "Sign-in failed") {
		t.Errorf("an expired token:\n%s", text)
	}
	people, err := o.Desk.Store.People(t.Context())
	if err != nil || len(people) != 0 {
		t.Errorf("%+v %v", people, err)
	}
	log, err := o.Desk.Store.Entries(t.Context(), staff.EntryFilter{Limit: 20})
	// Answers to nothing that was begun here write nothing.
	if err != nil || len(log) != 2 || log[0].Action != "sign-in refused" {
		t.Errorf("%+v %v", log, err)
	}
}

// The service starts, and says so, while the provider is down.
func TestAnIdentityProviderThatIsDown(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, func(options *servertest.Options) {
		options.OIDC = &helpdesk.OIDC{Issuer: "http://127.0.0.1:1", ClientID: "x", RoleClaim: "groups"}
	})
	if r, body := o.Visitor(t).Get("/helpdesk/oidc"); r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "isn&#39;t answering") {
		t.Errorf("%s\n%s", r.Status, body)
	}
	if r, _ := o.Visitor(t).Get("/helpdesk/sign-in"); r.StatusCode != http.StatusOK {
		t.Errorf("the sign-in: %s", r.Status)
	}
}
