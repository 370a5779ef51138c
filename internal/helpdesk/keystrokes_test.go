package helpdesk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/post"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// From the sign-in to a link that was sent takes three steps: the account, the link, to whom.
// What has to be typed and pressed is counted here, so that it doesn't grow: each page has
// the focus where its step is.
func TestKeystrokesFromSignInToASentLink(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password, second := o.Add(t, "eva", staff.Staff, "*")
	b := testkit.StartBrowser(t)
	b.Open(t, o.Staff.URL+"/helpdesk/", testkit.Desktop)
	fields, presses := 0, 0
	fill := func(text string) chromedp.Action { fields++; return chromedp.KeyEvent(text) }
	focused := func(selector string) chromedp.Action {
		return chromedp.Tasks{chromedp.WaitVisible(selector, chromedp.ByQuery), chromedp.Poll(`document.activeElement.matches("`+selector+`")`, nil)}
	}
	press := func(key string) chromedp.Action { presses++; return chromedp.KeyEvent(key) }
	b.Do(t, focused("#name"), fill("eva"), press(kb.Tab), fill(password), press(kb.Enter))
	b.Do(t, focused("#code"), fill(staff.Code(second, time.Now())), press(kb.Enter))
	b.Do(t, focused("#q"), fill("workshop@example.com"), press(kb.Enter))
	b.Do(t, focused("form[action='/helpdesk/links'] button"), press(kb.Enter))
	b.Do(t, focused("#to"), fill("person@elsewhere.example"), press(kb.Enter))
	var life string
	b.Do(t, chromedp.WaitVisible(`//*[@id="life"]//li[contains(., "person@")]`), chromedp.Text("main", &life))
	if !strings.Contains(life, "person@elsewhere.example: waiting") {
		t.Errorf("the link's page shows\n%s", life)
	}
	sent, err := o.Server.Options.Outbox.Store.Messages(t.Context(), post.Filter{Limit: 10})
	if err != nil || len(sent) != 1 {
		t.Errorf("%d messages, %v", len(sent), err)
	}
	if fields > 5 || presses > 6 {
		t.Errorf("%d fields were typed and %d keys pressed", fields, presses)
	}
}
