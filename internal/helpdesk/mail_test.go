package helpdesk_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"autoconfig/internal/post"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// A link goes by mail to another address of the person, from the page that shows it; its
// own page says what became of the message.
func TestALinkIsSentByMail(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.SignedIn(t, "eva", staff.Staff, "example.com")
	_, page := v.Post("/helpdesk/links", url.Values{"address": {"workshop@example.com"}, "hours": {"24"}, "uses": {"1"}})
	for _, want := range []string{`action="/helpdesk/links/`, `name="token"`, `name="to" type="email"`} {
		if !strings.Contains(page, want) {
			t.Fatalf("the form lacks %q", want)
		}
	}
	_, first, _ := strings.Cut(page, `action="/helpdesk/links/`)
	first, _, _ = strings.Cut(first, "/")
	v.Post("/helpdesk/links/"+first+"/revoke", nil)
	link, id := v.Makes("workshop@example.com")
	send := func(to, token string) *http.Response {
		r, _ := v.Post("/helpdesk/links/"+id+"/send", url.Values{"to": {to}, "token": {token}})
		return r
	}
	token := path.Base(link)
	if r := send("person@elsewhere.example", token); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/helpdesk/links/"+id {
		t.Errorf("%s to %s", r.Status, r.Header.Get("Location"))
	}
	_, life := v.Get("/helpdesk/links/" + id)
	if !strings.Contains(life, "person@elsewhere.example: waiting") {
		t.Errorf("the link's page doesn't show the message:\n%s", life)
	}
	// The account's page follows its last open link.
	live := `data-live="/helpdesk/links/` + id + `"`
	if _, page := v.Get("/helpdesk/account?address=workshop%40example.com"); !strings.Contains(page, live) || !strings.Contains(page, "person@elsewhere.example: waiting") {
		t.Errorf("the account's page doesn't show its open link:\n%s", page)
	}
	waiting, err := o.Server.Options.Outbox.Store.Messages(t.Context(), post.Filter{Link: id, Limit: 10})
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%d messages, %v", len(waiting), err)
	}
	for name, c := range map[string]struct {
		to, token string
		status    int
	}{
		"the mailbox itself": {"workshop@example.com", token, http.StatusUnprocessableEntity},
		"no address":         {"nobody", token, http.StatusBadRequest},
		"a guessed token":    {"person@elsewhere.example", strings.Repeat("x", len(token)), http.StatusNotFound},
	} {
		if r := send(c.to, c.token); r.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", name, r.Status, c.status)
		}
	}
	v.Post("/helpdesk/links/"+id+"/revoke", nil)
	if _, page := v.Get("/helpdesk/account?address=workshop%40example.com"); strings.Contains(page, "data-live") {
		t.Error("the account's page follows a revoked link")
	}
	other := o.SignedIn(t, "otto", staff.Staff, "login.example")
	if r, _ := other.Post("/helpdesk/links/"+id+"/send", url.Values{"to": {"person@elsewhere.example"}, "token": {token}}); r.StatusCode != http.StatusNotFound {
		t.Errorf("somebody who doesn't serve the domain: %s", r.Status)
	}
}

// Without a mail server there is no form.
func TestWithoutMailThereIsNoForm(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, func(options *servertest.Options) { options.Outbox = nil })
	v := o.SignedIn(t, "eva", staff.Staff, "example.com")
	if _, page := v.Post("/helpdesk/links", url.Values{"address": {"workshop@example.com"}, "hours": {"24"}, "uses": {"1"}}); strings.Contains(page, "/send") {
		t.Error("there is a form")
	}
}
