package api_test

import (
	"net/http"
	"strings"
	"testing"

	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// A program sends links and welcome messages, once each, and sees what came of them.
func TestMessagesByTheAPI(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	must := func(want int, method, path string, body any, header ...string) map[string]any {
		t.Helper()
		status, object := p.Ask(method, path, body, header...)
		if status != want {
			t.Errorf("%s %s: %d, want %d: %v", method, path, status, want, object)
		}
		return object
	}
	made := must(201, "POST", "/links", map[string]any{"address": "workshop@example.com", "send_to": "eva@home.test"}, "Idempotency-Key", "a")
	again := must(201, "POST", "/links", map[string]any{"address": "workshop@example.com", "send_to": "eva@home.test"}, "Idempotency-Key", "a")
	mail, _ := made["message"].(map[string]any)
	if second, _ := again["message"].(map[string]any); mail["state"] != "queued" || mail["to"] != "eva@home.test" || mail["link"] != made["id"] || second["id"] != mail["id"] {
		t.Errorf("%v\n%v", made, again)
	}
	must(422, "POST", "/links", map[string]any{"address": "workshop@example.com", "send_to": "otto@home.test"}, "Idempotency-Key", "a")
	sent := must(201, "POST", "/messages", map[string]any{"kind": "link", "url": made["url"], "to": "otto@home.test"})
	if got := must(200, "GET", "/messages/"+sent["id"].(string), nil); got["to"] != "otto@home.test" || got["kind"] != "link" {
		t.Errorf("%v", got)
	}

	says := must(200, "POST", "/messages", map[string]any{"kind": "welcome", "address": "kiosk@example.com", "to": "eva@home.test", "language": "de", "dry_run": true})
	if text, _ := says["text"].(string); says["subject"] != "Ihr neues Postfach kiosk@example.com" || !strings.Contains(text, "pop.example.com") {
		t.Errorf("%v", says)
	}
	welcome := map[string]any{"kind": "welcome", "address": "kiosk@example.com", "to": "eva@home.test", "language": "de", "valid_minutes": 60, "uses": 2}
	first := must(201, "POST", "/messages", welcome, "Idempotency-Key", "b")
	if second := must(201, "POST", "/messages", welcome, "Idempotency-Key", "b"); second["id"] != first["id"] || first["language"] != "de" {
		t.Errorf("%v\n%v", first, second)
	}
	must(409, "POST", "/messages", welcome)
	welcome["again"] = true
	must(201, "POST", "/messages", welcome)
	for query, want := range map[string]int{
		"": 4, "?kind=welcome": 2, "?domain=example.com&address=kiosk%40example.com": 2, "?state=sent": 0, "?limit=1": 1,
		"?link=" + made["id"].(string): 2,
	} {
		if got := must(200, "GET", "/messages"+query, nil); len(got["messages"].([]any)) != want {
			t.Errorf("%s: %v", query, got)
		}
	}

	l, err := o.Store.Link(t.Context(), first["link"].(string))
	if err != nil || l.Uses != 2 || l.Address != "kiosk@example.com" {
		t.Errorf("%+v %v", l, err)
	}
	for _, wrong := range []struct {
		want       int
		code, body string
	}{
		{400, "json", `{"kind":"other","to":"eva@home.test"}`},
		{422, "order", `{"kind":"welcome","to":"eva@home.test"}`},
		{422, "order", `{"kind":"welcome","address":"office@example.com"}`},
		{422, "itself", `{"kind":"welcome","address":"office@example.com","to":"office@example.net"}`},
		{404, "not_found", `{"kind":"welcome","address":"x@nowhere.test","to":"eva@home.test"}`},
		{404, "not_found", `{"kind":"link","url":"https://x/s/nope","to":"eva@home.test"}`},
		{404, "not_found", `{"kind":"link","to":"eva@home.test"}`},
	} {
		if status, object := p.Ask("POST", "/messages", wrong.body); status != wrong.want || object["code"] != wrong.code {
			t.Errorf("%s: %d %v", wrong.body, status, object)
		}
	}
	must(200, "DELETE", "/links/"+made["id"].(string), nil)
	if got := must(409, "POST", "/messages", map[string]any{"kind": "link", "url": made["url"], "to": "otto@home.test"}); got["code"] != "spent" {
		t.Errorf("%v", got)
	}

	other := servertest.NewProgram(t, o, []string{"pop.example"}, staff.Scopes...)
	if _, got := other.Ask("GET", "/messages", nil); len(got["messages"].([]any)) != 0 {
		t.Errorf("another's messages: %v", got)
	}
	for _, request := range []string{"GET /messages/" + sent["id"].(string), "GET /messages?domain=example.com"} {
		method, path, _ := strings.Cut(request, " ")
		if status, got := other.Ask(method, path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d %v", request, status, got)
		}
	}
	fresh := must(201, "POST", "/links", map[string]any{"address": "office@example.com"})
	if status, got := other.Ask("POST", "/messages", map[string]any{"kind": "link", "url": fresh["url"], "to": "otto@home.test"}); status != 404 {
		t.Errorf("another's link is sent: %d %v", status, got)
	}
	seen := map[string]bool{}
	for after, more := "", true; more; { // page by page
		page := must(200, "GET", "/messages?limit=1&after="+after, nil)
		for _, m := range page["messages"].([]any) {
			seen[m.(map[string]any)["id"].(string)] = true
		}
		after, more = page["after"].(string)
	}
	if len(seen) != 4 {
		t.Errorf("in pages: %v", seen)
	}
}

// Who has no scope for it sends nothing, neither as a message nor with a link; without a
// token nobody does.
func TestWithoutAScopeNothingIsSent(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	welcome := map[string]any{"kind": "welcome", "address": "kiosk@example.com", "to": "eva@home.test"}
	for name, p := range map[string]*servertest.Program{
		"links":    servertest.NewProgram(t, o, []string{"*"}, "links:write", "links:read", "messages:read"),
		"no token": servertest.NewProgram(t, o, []string{"*"}, "messages:write"),
	} {
		want := http.StatusForbidden
		if name == "no token" {
			p.Token, want = "autoconfig_none", http.StatusUnauthorized
		}
		if status, got := p.Ask("POST", "/messages", welcome); status != want {
			t.Errorf("%s: %d %v", name, status, got)
		}
		if status, got := p.Ask("POST", "/links", map[string]any{"address": "kiosk@example.com", "send_to": "eva@home.test"}); status != want {
			t.Errorf("%s, a link: %d %v", name, status, got)
		}
	}
	if list, err := o.Store.Messages(t.Context(), post.Filter{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// A token that sends too much is told so, and what it asked for isn't half done.
func TestATokenSendsOnlySoMuch(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, func(options *servertest.Options) {
		options.Outbox.Limits = post.Limits{PerToken: 2, PerRecipient: 10, PerPerson: 1}
	})
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	for i := range 3 {
		status, got := p.Ask("POST", "/links", map[string]any{"address": "workshop@example.com", "send_to": "eva@home.test"})
		if i < 2 && status != 201 || i == 2 && (status != 429 || got["code"] != "often") {
			t.Errorf("%d: %d %v", i, status, got)
		}
	}
	if list, err := o.Store.Links(t.Context(), links.Filter{Limit: 10}); err != nil || len(list) != 2 {
		t.Errorf("%d links, %v", len(list), err)
	}
}

// Without a mail server nothing is made that can't be sent.
func TestWithoutAMailServer(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, func(options *servertest.Options) { options.Outbox = nil })
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	for path, body := range map[string]map[string]any{
		"/links":    {"address": "workshop@example.com", "send_to": "eva@home.test"},
		"/messages": {"kind": "welcome", "address": "workshop@example.com", "to": "eva@home.test"},
	} {
		if status, got := p.Ask("POST", path, body); status != 409 || got["code"] != "no_mail" {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
	if list, err := o.Store.Links(t.Context(), links.Filter{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("%d links, %v", len(list), err)
	}
}
