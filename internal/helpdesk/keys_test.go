package helpdesk_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/post"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// From the sign-in to a link that was sent, six keys or clicks are enough beside what is typed:
// each field that comes next has the focus already.
func TestFewKeysToASentLink(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password, second := o.Add(t, "eva", staff.Staff, "*")
	b := testkit.StartBrowser(t)
	pressed := 0
	press := func(typed, key, then string) {
		t.Helper()
		pressed++
		b.Do(t, chromedp.KeyEvent(typed+key))
		if then != "" {
			b.Do(t, chromedp.WaitVisible(then))
		}
	}
	b.Open(t, o.Staff.URL+"/helpdesk/", testkit.Desktop, chromedp.WaitVisible("#name"))
	press("eva", kb.Tab, "")
	press(password, kb.Enter, "#code")
	press(staff.Code(second, time.Now()), kb.Enter, "#q")
	press("workshop", kb.Enter, "#note")
	pressed++
	b.Do(t, chromedp.Click("form:has(#note) button.main"), chromedp.WaitVisible("#to"))
	press("eva@example.net", kb.Enter, "main dl")
	var said string
	b.Do(t, testkit.Text("main", &said))
	if pressed > 6 {
		t.Errorf("%d keys and clicks", pressed)
	}
	messages, err := o.Store.Messages(t.Context(), post.Filter{Limit: 9})
	if err != nil || len(messages) != 1 || messages[0].To != "eva@example.net" {
		t.Errorf("%v %+v\n%s", err, messages, said)
	}
}
