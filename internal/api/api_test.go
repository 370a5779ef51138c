package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// Every operation of the document does what it says, and conforms.
func TestEveryOperationOfTheAPI(t *testing.T) {
	t.Parallel()
	o := servertest.NewCheckedOffice(t)
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	must := func(want int, method, path string, body any, header ...string) map[string]any {
		t.Helper()
		status, object := p.Ask(method, path, body, header...)
		if status != want {
			t.Errorf("%s %s: %d, want %d: %v", method, path, status, want, object)
		}
		return object
	}
	made := must(201, "POST", "/links", map[string]any{"address": "workshop@example.com", "valid_minutes": 60, "uses": 2, "language": "en", "note": "7"}, "Idempotency-Key", "ticket 7")
	again := must(201, "POST", "/links", map[string]any{"address": "workshop@example.com", "valid_minutes": 60, "uses": 2, "language": "en", "note": "7"}, "Idempotency-Key", "ticket 7")
	if made["url"] == "" || made["url"] != again["url"] || made["id"] != again["id"] {
		t.Errorf("%v\n%v", made, again)
	}
	must(422, "POST", "/links", map[string]any{"address": "office@example.com"}, "Idempotency-Key", "ticket 7")
	id := made["id"].(string)
	if r, err := http.Get(made["url"].(string)); err != nil || r.Body.Close() != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%v: %v", made["url"], err)
	}
	if l := must(200, "GET", "/links/"+id, nil); l["state"] != "open" || len(l["events"].([]any)) != 1 || l["url"] != nil {
		t.Errorf("%v", l)
	}
	must(200, "GET", "/links?domain=example.com&address=workshop%40example.com&limit=1", nil)
	if l := must(200, "DELETE", "/links/"+id, nil); l["state"] != "revoked" || l["revoked_by"] != "token:panel" {
		t.Errorf("%v", l)
	}

	if list := must(200, "GET", "/accounts?domain=example.com&limit=2", nil); len(list["accounts"].([]any)) != 2 || list["after"] == nil {
		t.Errorf("%v", list)
	}
	must(200, "GET", "/accounts?domain=example.com&q=front", nil)
	must(201, "PUT", "/accounts/new%40example.com", map[string]any{"address": "new@example.com", "name": "New", "protocol": "pop3", "quota": "500MB"})
	if d := must(200, "GET", "/decisions/new%40example.com", nil); d["decision"].(map[string]any)["protocol"] != "pop3" || len(d["misled"].([]any)) == 0 || d["known"] != true {
		t.Errorf("%v", d)
	}
	if a := must(200, "GET", "/accounts/new%40example.com", nil); a["name"] != "New" {
		t.Errorf("%v", a)
	}
	for _, format := range []string{"thunderbird", "autodiscover", "mobileconfig", "thunderbird-android"} {
		must(200, "GET", "/renders/"+format+"/new%40example.com", nil)
	}
	must(422, "GET", "/renders/mobileconfig/a%40plain.example", nil)
	must(404, "GET", "/renders/other/new%40example.com", nil)
	must(204, "DELETE", "/accounts/new%40example.com", nil)
	must(404, "GET", "/accounts/new%40example.com", nil)
	must(409, "PUT", "/accounts/other%40example.com", map[string]any{"address": "other@example.com", "addresses": []string{"office@example.com"}})
	must(422, "PUT", "/accounts/other%40example.com", map[string]any{"address": "other@example.com", "devices": "many"})
	must(400, "PUT", "/accounts/other%40example.com", map[string]any{"address": "third@example.com"})

	must(201, "PUT", "/domains/new.example", map[string]any{"servers": map[string]any{"imap": []any{map[string]any{"host": "imap.new.example"}}, "smtp": []any{map[string]any{"host": "smtp.new.example"}}}})
	if list := must(200, "GET", "/domains?after=a&limit=1", nil); len(list["domains"].([]any)) != 1 || list["after"] == nil {
		t.Errorf("%v", list)
	}
	must(200, "GET", "/domains/new.example", nil)
	must(204, "DELETE", "/domains/new.example", nil)
	must(409, "DELETE", "/domains/example.com", nil)
	must(422, "PUT", "/domains/new.example", map[string]any{"plan": "nowhere"})
	must(200, "GET", "/checks", nil)
	must(200, "GET", "/checks/example.com", nil)
	must(404, "GET", "/checks/login.example", nil)
	if log := must(200, "GET", "/audit?limit=3", nil); len(log["entries"].([]any)) != 3 || log["after"] == nil {
		t.Errorf("%v", log)
	} else {
		first := log["entries"].([]any)[0].(map[string]any)
		if id, _ := first["id"].(string); len(id) != 32 {
			t.Errorf("an entry tells how many there are: %v", first)
		}
		older := must(200, "GET", "/audit?after="+log["after"].(string), nil)["entries"].([]any)
		if len(older) == 0 || older[0].(map[string]any)["id"] == log["after"] {
			t.Errorf("after %v: %v", log["after"], older)
		}
	}

	for _, wrong := range []struct {
		want               int
		method, path, body string
	}{
		{400, "POST", "/links", `{`},
		{400, "POST", "/links", `{"address":"x"}`},
		{400, "POST", "/links", `{"address":"office@example.com","colour":1}`},
		{400, "POST", "/links", `{"address":"office@example.com"} {}`},
		{413, "POST", "/links", `{"address":"` + strings.Repeat("x", 70_000) + `"}`},
		{422, "POST", "/links", `{}`},
		{422, "POST", "/links", `{"address":"office@example.com","uses":101}`},
		{404, "POST", "/links", `{"address":"office@nowhere.test"}`},
		{404, "GET", "/links/x", ""},
		{400, "GET", "/links?limit=0", ""},
		{400, "GET", "/accounts", ""},
		{400, "GET", "/accounts/x", ""},
		{404, "GET", "/accounts?domain=nowhere.test", ""},
		{400, "GET", "/domains/a..b", ""},
		{400, "GET", "/audit?after=x", ""},
		{400, "GET", "/audit?after=1", ""},
		{400, "GET", "/audit?after=00000000000000000000000000000001", ""},
		{404, "GET", "/nowhere", ""},
		{405, "PATCH", "/links", ""},
	} {
		if status, object := p.Ask(wrong.method, wrong.path, wrong.body); status != wrong.want || object["code"] == nil || object["detail"] == "" {
			t.Errorf("%s %s %.60s: %d %v", wrong.method, wrong.path, wrong.body, status, object)
		}
	}
	for _, operation := range []string{"listLinks", "makeLink", "showLink", "revokeLink", "listAccounts", "showAccount", "putAccount", "removeAccount", "listDomains", "showDomain", "putDomain", "removeDomain", "showDecision", "render", "listChecks", "showCheck", "listAudit"} {
		if !p.Seen[operation][200] && !p.Seen[operation][201] && !p.Seen[operation][204] {
			t.Errorf("%s never went well", operation)
		}
	}
}

// A program does what its scopes and domains allow, and sees nothing of others.
func TestTokensBoundPrograms(t *testing.T) {
	t.Parallel()
	o := servertest.NewCheckedOffice(t)
	all := servertest.NewProgram(t, o, []string{"*"}, "links:write")
	_, made := all.Ask("POST", "/links", map[string]any{"address": "workshop@example.com"})
	other := servertest.NewProgram(t, o, []string{"pop.example"}, staff.Scopes...)
	for _, path := range []string{"/links/" + fmt.Sprint(made["id"]), "/accounts?domain=example.com", "/accounts/workshop%40example.com", "/decisions/workshop%40example.net", "/renders/autodiscover/workshop%40example.com", "/domains/example.com", "/checks/example.com", "/links?domain=example.com"} {
		if status, object := other.Ask("GET", path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d %v", path, status, object)
		}
	}
	for path, key := range map[string]string{"/links": "links", "/audit": "entries"} {
		if status, object := other.Ask("GET", path, nil); status != http.StatusOK || len(object[key].([]any)) != 0 {
			t.Errorf("%s: %d %v", path, status, object)
		}
	}
	for path, key := range map[string]string{"/domains": "domains", "/checks": "checks"} {
		if status, object := other.Ask("GET", path, nil); status != http.StatusOK || len(object[key].([]any)) != 1 || !strings.Contains(fmt.Sprint(object), "pop.example") {
			t.Errorf("%s: %d %v", path, status, object)
		}
	}
	for path, want := range map[string]int{"/domains/example.com": 403, "/accounts/workshop%40example.com": 404} {
		if status, object := other.Ask("PUT", path, map[string]any{}); status != want {
			t.Errorf("PUT %s: %d %v", path, status, object)
		}
		if status, object := other.Ask("DELETE", path, nil); status != 404 {
			t.Errorf("DELETE %s: %d %v", path, status, object)
		}
	}
	if status, object := other.Ask("PUT", "/domains/pop.example", map[string]any{"aliases": []string{"bank.example"}, "plan": "standard"}); status != 403 {
		t.Errorf("an alias that the token doesn't serve: %d %v", status, object)
	}
	if status, object := other.Ask("PUT", "/accounts/x%40pop.example", map[string]any{"addresses": []string{"office2@example.com"}}); status != 422 {
		t.Errorf("an address of a domain that the token doesn't serve: %d %v", status, object)
	}
	if status, _ := other.Ask("DELETE", "/links/"+fmt.Sprint(made["id"]), nil); status != 404 {
		t.Errorf("another's link is revoked: %d", status)
	}
	if status, _ := other.Ask("POST", "/links", map[string]any{"address": "office@example.com"}); status != 404 {
		t.Errorf("a link for another's account: %d", status)
	}
	// Without its scope, nothing.
	nothing := servertest.NewProgram(t, o, []string{"*"}, "audit:read")
	for _, request := range []string{"GET /links", "POST /links", "GET /links/x", "DELETE /links/x", "GET /accounts?domain=example.com", "GET /accounts/office%40example.com", "PUT /accounts/office%40example.com", "DELETE /accounts/office%40example.com", "GET /domains", "GET /domains/example.com", "PUT /domains/example.com", "DELETE /domains/example.com", "GET /decisions/office%40example.com", "GET /renders/autodiscover/office%40example.com", "GET /checks", "GET /checks/example.com"} {
		method, path, _ := strings.Cut(request, " ")
		if status, object := nothing.Ask(method, path, nil); status != 403 || object["code"] != "scope" {
			t.Errorf("%s: %d %v", request, status, object)
		}
	}
	for name, token := range map[string]string{"none": "", "guessed": "autoconfig_x", "a session": "helpdesk"} {
		nothing.Token = token
		if status, object := nothing.Ask("GET", "/audit", nil); status != 401 || object["code"] != "unauthorized" {
			t.Errorf("%s: %d %v", name, status, object)
		}
	}
	if status, _ := all.Ask("GET", "/links", nil, "Host", "x"); status != 403 { // and its scope is links:write
		t.Errorf("%d", status)
	}
}

func TestGuessingTokensIsLimited(t *testing.T) {
	t.Parallel()
	p := servertest.NewProgram(t, servertest.NewOffice(t, servertest.ClockThatStands), []string{"*"}, "links:read")
	right := p.Token
	var statuses []int
	for i := range 25 {
		p.Token = fmt.Sprintf("autoconfig_%d", i)
		status, _ := p.Ask("GET", "/links", nil)
		statuses = append(statuses, status)
	}
	if i := slices.Index(statuses, http.StatusTooManyRequests); i != 20 {
		t.Errorf("%v", statuses)
	}
	// Many programs may come through one proxy: a stranger there locks none of them out.
	p.Token = right
	if status, _ := p.Ask("GET", "/links", nil); status != http.StatusOK {
		t.Errorf("the right one: %d", status)
	}
}

// Whatever a program sends, it gets an answer that says what is wrong.
func FuzzLinkOrders(f *testing.F) {
	for _, seed := range []string{`{}`, `{"address":"office@example.com"}`, `{"address":"office@example.com","valid_minutes":1e9}`, `[]`, `null`, `{"address":null}`, `{"uses":-1,"address":"a@example.com"}`, "\xff", `{"address":"a@example.com","language":"xx","note":"\u0000"}`} {
		f.Add(seed)
	}
	w := servertest.NewWorld(f)
	desk, err := staff.NewDesk(w.Store, []byte("a secret of the test"), false)
	if err != nil {
		f.Fatal(err)
	}
	text, _, err := desk.MakeToken(f.Context(), staff.Actor{}, staff.Token{Name: "fuzz", Scopes: staff.Scopes, Domains: []string{"*"}, ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		f.Fatal(err)
	}
	handler := servertest.NewWorld(f, func(o *servertest.Options) {
		o.Desk, o.Site, o.Links.Store, o.Now = desk, w.Store, w.Store, nil
	}).Server.Staff()
	f.Fuzz(func(t *testing.T, body string) {
		r := servertest.Do(handler, http.MethodPost, "http://127.0.0.1/api/v1/links", body, "Authorization", "Bearer "+text)
		var answer map[string]any
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.StatusCode >= 500 || r.StatusCode != 201 && answer["code"] == nil {
			t.Errorf("%q: %s %v %v", body, r.Status, answer, err)
		}
	})
}
