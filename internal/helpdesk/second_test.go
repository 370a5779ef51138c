package helpdesk_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// The second step in a real browser, on every screen: refused, and then taken.
func TestTheSecondStepInABrowser(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password, second := o.Add(t, "eva", staff.Staff, "*")
	b := testkit.StartBrowser(t)
	for _, screen := range servertest.Screens() {
		b.Open(t, o.Staff.URL+"/helpdesk/sign-in", screen, chromedp.SendKeys("#name", "eva"), chromedp.SendKeys("#password", password+kb.Enter),
			chromedp.WaitVisible("#code"), servertest.Inspect(t, "staff-code", screen),
			chromedp.SendKeys("#code", "123"+kb.Enter), chromedp.WaitVisible("#problem"), servertest.Inspect(t, "staff-code-wrong", screen))
	}
	b.Do(t, chromedp.SendKeys("#code", staff.Code(second, time.Now())+kb.Enter), chromedp.WaitVisible("#q"))
}

// Recovery codes are shown once, when the second factor is set up or new ones are made, and
// each signs in once.
func TestRecoveryCodesAtTheHelpDesk(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password, _, err := o.Desk.Add(t.Context(), staff.Actor{}, "eva", staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	eva := o.Visitor(t)
	eva.SignsIn("eva", password, "")
	_, page := eva.Get("/helpdesk/enrol")
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(page)[1]
	key := regexp.MustCompile(`id="key">([A-Z2-7]+)<`).FindStringSubmatch(page)[1]
	shown := func(r *http.Response) (codes []string) {
		t.Helper()
		if r.Header.Get("Location") != "/helpdesk/own" {
			t.Fatalf("%s to %q", r.Status, r.Header.Get("Location"))
		}
		_, page := eva.Get("/helpdesk/own")
		list := regexp.MustCompile(`(?s)id="codes">([^<]+)<`).FindStringSubmatch(page)
		if list == nil {
			t.Fatalf("no codes:\n%s", page)
		}
		if _, again := eva.Get("/helpdesk/own"); strings.Contains(again, `id="codes"`) || !strings.Contains(again, "Unused: 10 of 10") {
			t.Errorf("asked for again:\n%s", again)
		}
		return strings.Split(list[1], "\n")
	}
	r, _ := eva.Post("/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {codeOf(t, key)}})
	codes := shown(r)
	r, _ = eva.Post("/helpdesk/own/codes", url.Values{"password": {password}})
	now := shown(r)
	if len(codes) != staff.RecoveryCodes || len(now) != staff.RecoveryCodes {
		t.Fatalf("%q, %q", codes, now)
	}
	for i, c := range []struct {
		code string
		ok   bool
	}{{codes[0], false}, {now[0], true}, {now[0], false}, {now[1], true}} {
		r, body := o.Visitor(t).SignsIn("eva", password, c.code)
		if ok := r.StatusCode == http.StatusSeeOther; ok != c.ok {
			t.Errorf("%d: %s\n%s", i, r.Status, body)
		}
	}
	if _, page := eva.Get("/helpdesk/own"); !strings.Contains(page, "Unused: 8 of 10") {
		t.Errorf("two were used:\n%s", page)
	}
}
