package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// asks sends a request that must have a status, and gives its answer.
func asks(t *testing.T, p *servertest.Program) func(want int, method, path string, body any, header ...string) map[string]any {
	return func(want int, method, path string, body any, header ...string) map[string]any {
		t.Helper()
		status, object := p.Ask(method, path, body, header...)
		if status != want {
			t.Errorf("%s %s: %d, want %d: %v", method, path, status, want, object)
		}
		return object
	}
}

// A program changes a part of something, and only what it has seen.
func TestPartsAndConditions(t *testing.T) {
	t.Parallel()
	p := servertest.NewProgram(t, servertest.NewOffice(t), []string{"*"}, staff.Scopes...)
	must := asks(t, p)
	const at = "/accounts/part%40example.com"
	must(412, "PUT", at, map[string]any{"name": "A"}, "If-Match", `"x"`)
	must(404, "PATCH", at, map[string]any{"name": "A"})
	must(201, "PUT", at, map[string]any{"name": "A", "devices": "one", "groups": []string{"kiosk"}}, "If-None-Match", "*")
	if got := p.Header.Get("Location"); got != "/api/v1"+at {
		t.Errorf("Location: %q", got)
	}
	must(412, "PUT", at, map[string]any{"name": "B"}, "If-None-Match", "*")
	must(200, "GET", at, nil)
	tag := p.Header.Get("ETag")
	if tag == "" {
		t.Error("no ETag")
	}
	must(304, "GET", at, nil, "If-None-Match", tag)
	if got := must(200, "PATCH", at, map[string]any{"name": nil, "devices": "several"}, "If-Match", tag); got["name"] != nil || got["devices"] != "several" || len(got["groups"].([]any)) != 1 {
		t.Errorf("%v", got)
	}
	must(412, "PATCH", at, map[string]any{"name": "C"}, "If-Match", tag)
	must(200, "GET", at, nil, "If-None-Match", tag)
	must(200, "PUT", at, map[string]any{"name": "D"}, "If-Match", p.Header.Get("ETag"))
	for _, wrong := range []string{`[]`, `1`, `{"colour":1}`, `{"address":"other@example.com"}`, `{`} {
		if status, got := p.Ask("PATCH", at, wrong); status != 400 || got["code"] != "json" {
			t.Errorf("%s: %d %v", wrong, status, got)
		}
	}
	if got := must(422, "PATCH", at, map[string]any{"devices": "many"}); got["field"] != "devices" {
		t.Errorf("%v", got)
	}
	if got := must(200, "GET", at, nil); got["name"] != "D" || got["devices"] != nil {
		t.Errorf("what was refused is done: %v", got)
	}
	must(200, "PATCH", "/domains/example.com", map[string]any{"policy": map[string]any{"default": "pop3"}})
	if got := must(200, "GET", "/domains/example.com", nil); got["plan"] != "standard" || got["policy"].(map[string]any)["default"] != "pop3" {
		t.Errorf("%v", got)
	}
}

// What is wrong with a request is said with its place.
func TestRefusalsSayWhere(t *testing.T) {
	t.Parallel()
	p := servertest.NewProgram(t, servertest.NewOffice(t), []string{"*"}, staff.Scopes...)
	for _, c := range []struct {
		status                       int
		code, field, pointer         string
		method, path, body, contains string
	}{
		{400, "address", "address", "/address", "POST", "/links", `{"address":"nobody"}`, "no @"},
		{400, "json", "uses", "/uses", "POST", "/links", `{"address":"office@example.com","uses":"two"}`, ""},
		{400, "json", "colour", "/colour", "POST", "/links", `{"address":"office@example.com","colour":1}`, "unknown field"},
		{422, "order", "address", "/address", "POST", "/links", `{}`, ""},
		{422, "order", "valid_minutes", "/valid_minutes", "POST", "/links", `{"address":"office@example.com","valid_minutes":0}`, "30 days"},
		{422, "order", "valid_minutes", "/valid_minutes", "POST", "/links", `{"address":"office@example.com","valid_minutes":9999999}`, "30 days"},
		{422, "language", "language", "/language", "POST", "/links", `{"address":"office@example.com","language":"xx"}`, "en, de"},
		{422, "invalid", "devices", "/devices", "PUT", "/accounts/a%40example.com", `{"devices":"many"}`, ""},
		{400, "json", "address", "/address", "PUT", "/accounts/a%40example.com", `{"address":"b@example.com"}`, ""},
		{422, "invalid", "servers.imap[0].host", "/servers/imap/0/host", "PUT", "/domains/new.example", `{"servers":{"imap":[{"host":"no host"}],"smtp":[{"host":"smtp.new.example"}]}}`, ""},
		{400, "domain", "domain", "/domain", "GET", "/accounts", "", "?domain="},
		{400, "json", "kind", "/kind", "POST", "/messages", `{"kind":"other","to":"a@b.example"}`, "welcome"},
	} {
		status, got := p.Ask(c.method, c.path, c.body)
		where, _ := got["errors"].([]any)
		if status != c.status || got["code"] != c.code || got["field"] != c.field || len(where) == 0 || where[0].(map[string]any)["pointer"] != c.pointer || !strings.Contains(fmt.Sprint(got["detail"]), c.contains) {
			t.Errorf("%s %s %s: %d %v", c.method, c.path, c.body, status, got)
		}
		if strings.Contains(fmt.Sprint(got["detail"]), "domains[") {
			t.Errorf("an index of ours is shown: %v", got)
		}
	}
	for request, allow := range map[string]string{
		"PATCH /links": "GET, POST", "POST /links/x": "DELETE, GET", "DELETE /token": "GET", "POST /domains/example.com": "DELETE, GET, PATCH, PUT",
		"PUT /renders/autodiscover/a%40example.com": "GET",
	} {
		method, path, _ := strings.Cut(request, " ")
		if status, got := p.Ask(method, path, nil); status != 405 || got["code"] != "method" || p.Header.Get("Allow") != allow {
			t.Errorf("%s: %d %q %v", request, status, p.Header.Get("Allow"), got)
		}
	}
	for _, path := range []string{"/nowhere", "/links/x/y", "/accounts/", "/"} {
		if status, got := p.Ask("GET", path, nil); status != 404 {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
}

// A panel adds a plan and a domain, publishes its records and has it checked.
func TestPlansDomainsAndChecks(t *testing.T) {
	t.Parallel()
	o := servertest.NewCheckedOffice(t)
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	must := asks(t, p)
	if got := must(200, "GET", "/token", nil); got["name"] != "panel" || !slices.Contains(got["scopes"].([]any), any("links:read")) || got["domains"].([]any)[0] != "*" {
		t.Errorf("%v", got)
	}
	provider := map[string]any{"name": "Customer", "time_zone": "Europe/Berlin"}
	must(201, "PUT", "/providers/customer", provider)
	must(200, "PUT", "/providers/customer", provider)
	must(412, "PUT", "/providers/customer", provider, "If-None-Match", "*")
	plan := map[string]any{"provider": "customer", "servers": map[string]any{
		"imap": []any{map[string]any{"host": "imap.customer.example"}}, "smtp": []any{map[string]any{"host": "smtp.customer.example"}},
	}}
	must(201, "PUT", "/plans/customer", plan)
	must(201, "PUT", "/domains/customer.example", map[string]any{"plan": "customer"})
	records := must(200, "GET", "/domains/customer.example/dns", nil)
	if text := fmt.Sprint(records); records["domain"] != "customer.example" || !strings.Contains(text, "_imaps._tcp.customer.example.") || !strings.Contains(text, "imap.customer.example.") {
		t.Errorf("%v", records)
	}
	if got := must(200, "GET", "/decisions/x%40customer.example", nil); got["incoming"].(map[string]any)["host"] != "imap.customer.example" {
		t.Errorf("%v", got)
	}
	// A plan that a domain can't be served with stays as it was.
	if got := must(422, "PUT", "/plans/customer", map[string]any{"servers": map[string]any{"smtp": []any{map[string]any{"host": "smtp.customer.example"}}}}); got["code"] != "invalid" {
		t.Errorf("%v", got)
	}
	must(422, "PUT", "/providers/customer", map[string]any{"name": "C", "time_zone": "Nowhere/Else"})
	must(400, "PUT", "/plans/customer", map[string]any{"name": "another"})
	must(400, "PUT", "/providers/customer", map[string]any{"id": "another", "name": "C"})
	if got := must(200, "GET", "/plans/customer", nil); got["provider"] != "customer" {
		t.Errorf("%v", got)
	}
	must(404, "GET", "/plans/nowhere", nil)
	must(404, "GET", "/providers/nowhere", nil)
	if all := must(200, "GET", "/plans", nil); len(all["plans"].([]any)) != 2 {
		t.Errorf("%v", all)
	}
	if all := must(200, "GET", "/providers", nil); len(all["providers"].([]any)) != 2 {
		t.Errorf("%v", all)
	}
	must(200, "GET", "/providers/customer", nil)
	must(304, "GET", "/providers/customer", nil, "If-None-Match", p.Header.Get("ETag"))
	if all := must(200, "GET", "/sources", nil); len(all["sources"].([]any)) != 1 || all["sources"].([]any)[0].(map[string]any)["up"] != true {
		t.Errorf("%v", all)
	}
	before := must(200, "GET", "/checks/example.com", nil)["due_at"]
	if got := must(202, "POST", "/checks/Example.COM", nil); got["domain"] != "example.com" || p.Header.Get("Location") != "/api/v1/checks/example.com" {
		t.Errorf("%v", got)
	}
	if after := must(200, "GET", "/checks/example.com", nil)["due_at"]; after == before {
		t.Errorf("it is due at %v", after)
	}
	must(404, "POST", "/checks/nowhere.example", nil)

	// Who doesn't serve all of it sees and changes none of what is of all customers.
	other := servertest.NewProgram(t, o, []string{"pop.example"}, staff.Scopes...)
	for _, request := range []string{"GET /plans", "GET /plans/standard", "GET /providers", "GET /providers/example", "GET /sources", "PUT /plans/standard", "PUT /providers/example"} {
		method, path, _ := strings.Cut(request, " ")
		var body any
		if method == "PUT" {
			body = map[string]any{}
		}
		if status, got := other.Ask(method, path, body); status != 403 || got["code"] != "forbidden" {
			t.Errorf("%s: %d %v", request, status, got)
		}
	}
	for _, request := range []string{"GET /domains/example.com/dns", "POST /checks/example.com"} {
		method, path, _ := strings.Cut(request, " ")
		if status, got := other.Ask(method, path, nil); status != 404 {
			t.Errorf("%s: %d %v", request, status, got)
		}
	}
	off := servertest.NewProgram(t, servertest.NewOffice(t), []string{"*"}, staff.Scopes...)
	if status, _ := off.Ask("POST", "/checks/example.com", nil); status != 405 && status != 404 {
		t.Errorf("where nothing is checked: %d", status)
	}
}

// Programs see how many requests they have left.
func TestProgramsSeeTheirLimit(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, servertest.ClockThatStands, func(options *servertest.Options) { options.Rate = web.Rate{PerSecond: 1, Burst: 5} })
	p := servertest.NewProgram(t, o, []string{"*"}, "links:read")
	last := 5
	for i := range 6 {
		status, _ := p.Ask("GET", "/links", nil)
		left, err := strconv.Atoi(p.Header.Get("RateLimit-Remaining"))
		if err != nil || p.Header.Get("RateLimit-Limit") != "5" || left > last || left != max(0, 4-i-1) && left != max(0, 4-i) {
			t.Errorf("%d: %d left of %s, %v", i, left, p.Header.Get("RateLimit-Limit"), err)
		}
		if last = left; status == http.StatusTooManyRequests {
			if p.Header.Get("Retry-After") == "" || left != 0 {
				t.Errorf("%v", p.Header)
			}
			return
		}
	}
	t.Error("the limit never came")
}

// Lists show what is asked for.
func TestListsAreFiltered(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	must := asks(t, p)
	open := must(201, "POST", "/links", map[string]any{"address": "office@example.com"})
	gone := must(201, "POST", "/links", map[string]any{"address": "office@example.com"})
	must(200, "DELETE", "/links/"+gone["id"].(string), nil)
	for state, want := range map[links.State]any{links.Open: open["id"], links.Revoked: gone["id"]} {
		got := must(200, "GET", "/links?state="+string(state), nil)["links"].([]any)
		if len(got) != 1 || got[0].(map[string]any)["id"] != want {
			t.Errorf("%s: %v", state, got)
		}
	}
	for query, want := range map[string]int{
		"state=used": 0, "state=expired": 0, "made_after=2020-01-01T00:00:00Z": 2, "made_after=2120-01-01T00:00:00Z": 0, "made_before=2020-01-01T00:00:00Z": 0,
		"state=open&made_before=2120-01-01T00:00:00Z&domain=example.com": 1,
	} {
		if got := must(200, "GET", "/links?"+query, nil)["links"].([]any); len(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	for _, wrong := range []string{"state=broken", "made_after=yesterday"} {
		must(400, "GET", "/links?"+wrong, nil)
	}
}
