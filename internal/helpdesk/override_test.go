package helpdesk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// A person at the help desk decides for an account that another source has, with a reason,
// sees what was done and by whom, and takes it back; F5 repeats nothing, and what can't be
// is said on the page.
func TestAnOverrideIsMadeOnThePage(t *testing.T) {
	t.Parallel()
	site := servertest.TestSite(t)
	g := servertest.Ground{
		Database: "sqlite:test.db", Folder: t.TempDir(), Site: &site,
		Sources: []directory.SourceOptions{{Name: "panel", Source: panel{}}},
	}
	o := g.Office(t)
	v := o.SignedIn(t, "eva", staff.Staff, "*")
	const account = "/helpdesk/account?address=outside%40example.com"
	send := func(form url.Values) (page string) {
		t.Helper()
		form.Set("address", "outside@example.com")
		r, _ := v.Post("/helpdesk/account/override", form)
		if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), account) {
			t.Fatalf("%s to %q", r.Status, r.Header.Get("Location"))
		}
		_, page = v.Get(r.Header.Get("Location"))
		return page
	}
	has := func(page string, all ...string) {
		t.Helper()
		for _, want := range all {
			if !strings.Contains(page, want) {
				t.Errorf("no %q on\n%s", want, page)
			}
		}
	}
	_, before := v.Get(account)
	has(before, "This account comes from panel.", `<option value="">as in panel`, `<span class="badge protocol">IMAP</span>`)
	if strings.Contains(before, "Remove override") {
		t.Error("there is nothing to remove")
	}
	has(send(url.Values{"protocol": {"pop3"}, "note": {"  "}}), "Nothing was changed: enter a reason", `role="alert"`, `<span class="badge protocol">IMAP</span>`)
	has(send(url.Values{"protocol": {"pop3"}, "note": {"reads it at home"}}), "The override is saved", `role="status"`, `<span class="badge protocol">POP3</span>`,
		"reads it at home", "eva, ", `<option value="pop3" selected>`, "Remove override")
	has(send(url.Values{"do": {"remove"}}), "The override is removed", `<span class="badge protocol">IMAP</span>`)
	// An account of our own has no form, and takes none.
	_, own := v.Get("/helpdesk/account?address=office%40example.com")
	if strings.Contains(own, "/helpdesk/account/override") {
		t.Error("an account of our own is offered an override")
	}
	for address, want := range map[string]int{
		"office@example.com": http.StatusBadRequest, "nobody@example.com": http.StatusNotFound, "x": http.StatusBadRequest, "a@other.example": http.StatusNotFound,
	} {
		if r, _ := v.Post("/helpdesk/account/override", url.Values{"address": {address}, "protocol": {"pop3"}, "note": {"why"}}); r.StatusCode != want {
			t.Errorf("%s: %s, want %d", address, r.Status, want)
		}
	}
	// What the address bar says is no text of ours.
	if _, page := v.Get(account + "&said=%3Cb%3E"); strings.Contains(page, "<b>") || strings.Contains(page, "staff.said") {
		t.Error(page)
	}
}
