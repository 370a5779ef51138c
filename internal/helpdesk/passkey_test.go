package helpdesk_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// newNamedOffice is an office at a name: at an IP address browsers allow no passkey.
func newNamedOffice(t *testing.T, change ...func(*servertest.Options)) (o *servertest.Office, origin string) {
	t.Helper()
	o = servertest.NewOffice(t, append([]func(*servertest.Options){func(options *servertest.Options) {
		options.StaffURL.Host = "localhost:" + options.StaffURL.Port()
		origin = options.StaffURL.String()
	}}, change...)...)
	return o, origin
}

// keyholder is somebody with a passkey, who has signed out.
func keyholder(
	t *testing.T, o *servertest.Office, origin, name string,
) (v *servertest.Visitor, d *passkeyDevice, password string, second []byte) {
	t.Helper()
	password, second = o.Add(t, name, staff.Staff, "*")
	v = o.Visitor(t)
	v.Base = origin
	if r, _ := v.SignsIn(name, password, staff.Code(second, time.Now())); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in: %s", r.Status)
	}
	d = newPasskeyDevice(t, origin, "localhost")
	adds(t, v, d, password)
	v.Post("/helpdesk/sign-out", nil)
	return v, d, password, second
}

// adds adds a passkey to the account of somebody who is signed in.
func adds(t *testing.T, v *servertest.Visitor, d *passkeyDevice, password string) {
	t.Helper()
	if r, body := v.Post("/helpdesk/own/passkey", url.Values{"password": {password}, "name": {"<my> phone"}}); r.Header.Get("Location") != "/helpdesk/own/passkey" {
		t.Fatalf("asked for one: %s\n%s", r.Status, body)
	}
	_, page := v.Get("/helpdesk/own/passkey")
	kept, answer := d.creates(t, page)
	if r, body := v.Post("/helpdesk/own/passkeys", url.Values{"kept": {kept}, "answer": {answer}}); r.Header.Get("Location") != "/helpdesk/own?said=passkey_added" {
		t.Fatalf("added: %s\n%s", r.Status, body)
	}
}

// presents answers the sign-in page with a passkey.
func presents(t *testing.T, v *servertest.Visitor, d *passkeyDevice) (*http.Response, string) {
	t.Helper()
	_, page := v.Get("/helpdesk/sign-in?next=/helpdesk/links")
	kept, answer := d.signs(t, page)
	return v.Post("/helpdesk/passkey", url.Values{"kept": {kept}, "answer": {answer}, "next": {"/helpdesk/links"}})
}

func TestAPasskeySignsIn(t *testing.T) {
	t.Parallel()
	o, origin := newNamedOffice(t)
	v, d, password, _ := keyholder(t, o, origin, "eva")
	// Whoever guesses passwords doesn't keep it out.
	for range 6 {
		o.Visitor(t).Post("/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {"wrong"}})
	}
	stranger := o.Visitor(t)
	stranger.Base = origin
	if r, body := presents(t, stranger, d); r.Header.Get("Location") != "/helpdesk/links" {
		t.Fatalf("%s\n%s", r.Status, body)
	}
	if r, body := stranger.Get("/helpdesk/own"); r.StatusCode != http.StatusOK || !strings.Contains(body, "&lt;my&gt; phone") {
		t.Errorf("%s\n%s", r.Status, body)
	}
	entries := o.Entries(t)
	for _, want := range []string{"staff:eva: passkey added", "staff:eva: signed in"} {
		if !slices.Contains(entries, want) {
			t.Errorf("no entry %q in %q", want, entries)
		}
	}
	// Removed, it signs in no more, and neither does it after a reset.
	if r, _ := stranger.Post("/helpdesk/own/passkeys/"+b64(d.id)+"/remove", nil); r.Header.Get("Location") != "/helpdesk/own?said=passkey_removed" {
		t.Errorf("removing: %s", r.Status)
	}
	if r, body := presents(t, v, d); r.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "The passkey was refused") {
		t.Errorf("removed: %s\n%s", r.Status, body)
	}
	d.count = 0
	adds(t, stranger, d, password)
	p, err := o.Desk.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Desk.Reset(t.Context(), staff.Actor{}, p); err != nil {
		t.Fatal(err)
	}
	if r, _ := presents(t, v, d); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("after a reset: %s", r.Status)
	}
}

// What isn't the answer to our question, or not a good one, signs nobody in.
func TestForgedPasskeys(t *testing.T) {
	t.Parallel()
	o, origin := newNamedOffice(t)
	for name, forge := range map[string]func(d *passkeyDevice){
		"another site's page":             func(d *passkeyDevice) { d.origin = "https://localhost.example" },
		"the same name by another scheme": func(d *passkeyDevice) { d.origin = strings.Replace(origin, "http:", "https:", 1) },
		"another site's passkey":          func(d *passkeyDevice) { d.party = "localhost.example" },
		"nobody saw the person":           func(d *passkeyDevice) { d.flags = present },
		"nobody touched the device":       func(d *passkeyDevice) { d.flags = verified },
		"another key":                     func(d *passkeyDevice) { d.key = newPasskeyDevice(t, "", "").key },
		"another person":                  func(d *passkeyDevice) { d.handle = "otto" },
		"nobody":                          func(d *passkeyDevice) { d.handle = "" },
		"another identity":                func(d *passkeyDevice) { d.id = []byte("unknown") },
		"a copy that lags behind":         func(d *passkeyDevice) { d.count = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, d, _, _ := keyholder(t, o, origin, name)
			d.count = 7
			if r, body := presents(t, v, d); r.StatusCode != http.StatusSeeOther {
				t.Fatalf("before: %s\n%s", r.Status, body)
			}
			v.Post("/helpdesk/sign-out", nil)
			forge(d)
			if r, body := presents(t, v, d); r.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "The passkey was refused") {
				t.Errorf("%s\n%s", r.Status, body)
			}
			if r, _ := v.Get("/helpdesk/links"); r.StatusCode != http.StatusSeeOther {
				t.Errorf("signed in: %s", r.Status)
			}
		})
	}
}

// An answer is good once, and so is every question: the next one is newer.
func TestAPasskeysAnswerIsGoodOnce(t *testing.T) {
	t.Parallel()
	o, origin := newNamedOffice(t)
	v, d, password, second := keyholder(t, o, origin, "eva")
	_, older := v.Get("/helpdesk/sign-in")
	_, page := v.Get("/helpdesk/sign-in")
	kept, answer := d.signs(t, page)
	form := url.Values{"kept": {kept}, "answer": {answer}}
	if r, body := v.Post("/helpdesk/passkey", form); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s\n%s", r.Status, body)
	}
	v.Post("/helpdesk/sign-out", nil)
	refused := func(what, problem string, form url.Values) {
		t.Helper()
		r, body := o.Visitor(t).Post("/helpdesk/passkey", form)
		if r.StatusCode != http.StatusUnauthorized || !strings.Contains(body, problem) {
			t.Errorf("%s: %s\n%s", what, r.Status, body)
		}
	}
	refused("sent again", "The passkey was refused", form)
	d.count = 9
	kept, answer = d.signs(t, older)
	refused("an older question", "The passkey was refused", url.Values{"kept": {kept}, "answer": {answer}})
	refused("no question", "took too long", url.Values{"kept": {"x"}, "answer": {answer}})
	refused("nothing", "took too long", nil)
	_, page = v.Get("/helpdesk/sign-in")
	_, kept = question(t, page)
	for _, answer := range []string{"", "{}", "null", `{"id":"x"}`, strings.Repeat("[", 2000)} {
		refused("no answer", "The passkey was refused", url.Values{"kept": {kept}, "answer": {answer}})
	}
	// A question for a new passkey is one person's alone, and no sign-in's.
	if r, _ := v.SignsIn("eva", password, staff.Code(second, time.Now().Add(30*time.Second))); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in: %s", r.Status)
	}
	v.Post("/helpdesk/own/passkey", url.Values{"password": {password}, "name": {"x"}})
	_, page = v.Get("/helpdesk/own/passkey")
	mallory := o.SignedIn(t, "mallory", staff.Staff, "*")
	kept, answer = newPasskeyDevice(t, origin, "localhost").creates(t, page)
	if r, body := mallory.Post("/helpdesk/own/passkeys", url.Values{"kept": {kept}, "answer": {answer}}); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "was not added") {
		t.Errorf("somebody else's question: %s\n%s", r.Status, body)
	}
	refused("a question for a new one", "took too long", url.Values{"kept": {kept}, "answer": {answer}})
}

// A new way to sign in takes the password again, and the second factor before it.
func TestAPasskeyTakesThePassword(t *testing.T) {
	t.Parallel()
	o, origin := newNamedOffice(t)
	password, second := o.Add(t, "eva", staff.Staff, "*")
	v := o.Visitor(t)
	v.Base = origin
	v.SignsIn("eva", password, staff.Code(second, time.Now()))
	for _, path := range []string{"/helpdesk/own/passkey", "/helpdesk/own/codes"} {
		r, body := v.Post(path, url.Values{"password": {"wrong"}, "name": {"x"}})
		if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "The password is wrong") {
			t.Errorf("%s: %s\n%s", path, r.Status, body)
		}
	}
	if r, _ := v.Get("/helpdesk/own/passkey"); r.Header.Get("Location") != "/helpdesk/own" {
		t.Errorf("without the password: %s", r.Status)
	}
	entries := o.Entries(t)
	for _, want := range []string{"staff:eva: passkey refused", "staff:eva: recovery codes refused"} {
		if !slices.Contains(entries, want) {
			t.Errorf("no entry %q in %q", want, entries)
		}
	}
	// At an IP address there are none.
	plain := servertest.NewOffice(t)
	eva := plain.SignedIn(t, "eva", staff.Staff, "*")
	if _, body := eva.Get("/helpdesk/own"); strings.Contains(body, "passkey") {
		t.Errorf("offered at an IP address:\n%s", body)
	}
	for _, path := range []string{"/helpdesk/passkey", "/helpdesk/own/passkey", "/helpdesk/own/passkeys"} {
		if r, _ := eva.Post(path, url.Values{"password": {"x"}}); r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusNotFound {
			t.Errorf("%s at an IP address: %s", path, r.Status)
		}
	}
}

// The real browser with a device of its own: a passkey is added and signs in, on every screen.
func TestPasskeysInABrowser(t *testing.T) {
	t.Parallel()
	o, origin := newNamedOffice(t)
	password, second := o.Add(t, "eva", staff.Staff, "*")
	b := testkit.StartBrowser(t)
	b.Open(t, origin+"/helpdesk/sign-in", testkit.Desktop,
		chromedp.ActionFunc(webauthn.Enable().Do),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			}).Do(ctx)
			return err
		}),
	)
	for i, screen := range servertest.Screens() {
		if i == 0 {
			b.Open(t, origin+"/helpdesk/sign-in", screen, chromedp.SendKeys("#name", "eva"), chromedp.SendKeys("#password", password+kb.Enter),
				chromedp.WaitVisible("#code"), chromedp.SendKeys("#code", staff.Code(second, time.Now())+kb.Enter), chromedp.WaitVisible("#q"))
			b.Open(t, origin+"/helpdesk/own", screen, servertest.Inspect(t, "staff-own-first", screen),
				chromedp.SendKeys("#passkey-name", "Phone"), chromedp.SendKeys("#password-passkey", password+kb.Enter),
				chromedp.WaitVisible("form.passkey .main"), servertest.Inspect(t, "staff-passkey", screen),
				chromedp.Click("form.passkey .main"), chromedp.WaitVisible(".notice.good"))
		} else {
			b.Open(t, origin+"/helpdesk/sign-in", screen, chromedp.WaitVisible("form.passkey button"), servertest.Inspect(t, "staff-signin-passkey", screen),
				chromedp.Click("form.passkey button"), chromedp.WaitVisible("#q"))
			b.Open(t, origin+"/helpdesk/own", screen)
		}
		b.Do(t, servertest.Inspect(t, "staff-own", screen),
			chromedp.SendKeys("#password-codes", password+kb.Enter), chromedp.WaitVisible("#codes"), servertest.Inspect(t, "staff-codes", screen),
			chromedp.Click("nav form button"), chromedp.WaitVisible("#name"))
	}
	// Without script, or where the browser knows none, there is no button that does nothing.
	b.Open(t, origin+"/helpdesk/sign-in", testkit.Screen{Width: 390, Height: 844, NoScript: true},
		chromedp.WaitVisible("#name"), chromedp.WaitNotVisible("form.passkey"))
}
