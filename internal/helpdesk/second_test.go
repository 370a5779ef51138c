package helpdesk_test

import (
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
