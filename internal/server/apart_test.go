package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/doctor"
	"autoconfig/internal/links"
	"autoconfig/internal/operator"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// hosted are the domains of two customers of one hoster, in turn by name.
var hosted = map[string][]string{"apple": {"a-apple.example", "c-apple.example", "e-apple.example"}, "banana": {"b-banana.example", "d-banana.example", "f-banana.example"}}

func hostedOffice(t *testing.T) *servertest.Office {
	t.Helper()
	site := testSite(t)
	for fruit, names := range hosted {
		for _, name := range names {
			site.Domains = append(site.Domains, policy.Domain{Name: name, Aliases: []string{"also-" + name}, Plan: "standard"})
			for i := range 3 {
				site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress(fmt.Sprintf("%s%d@%s", fruit, i, name)), Name: "The " + fruit})
			}
		}
	}
	o := servertest.Ground{Site: &site}.Office(t, func(options *servertest.Options) { options.Checks = options.Links.Store.(operator.Checks) })
	for fruit, names := range hosted {
		for _, name := range names {
			for _, checked := range []string{name, "also-" + name} {
				r := doctor.Result{Report: doctor.Report{Domain: checked, Findings: []doctor.Finding{{Code: doctor.HostMissing, Severity: doctor.Error, Subject: checked}}}, CheckedAt: time.Unix(1e9, 0), DueAt: time.Unix(2e9, 0)}
				if err := o.Store.PutCheck(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			_, _, err := o.Keeper.Make(t.Context(), links.Order{Address: settings.MustAddress(fruit + "0@" + name), Domain: name, By: "staff:" + fruit, Note: fruit})
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Desk.Log(t.Context(), staff.Actor{Name: "staff:" + fruit, ID: fruit}, "account shown", fruit+"0@"+name, name, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	return o
}

// Whatever a customer's program asks, page by page and with mistakes, no byte of the
// answers is of another customer.
func TestCustomersAreApart(t *testing.T) {
	t.Parallel()
	o := hostedOffice(t)
	for mine, other := range map[string]string{"apple": "banana", "banana": "apple"} {
		p := servertest.NewProgram(t, o, hosted[mine], staff.Scopes...)
		asked, seen := 0, 0
		ask := func(method, path, body string) (after string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, o.Staff.URL+"/api/v1"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+p.Token)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			said := text(answer)
			_ = answer.Body.Close()
			asked++
			if strings.Contains(said, mine) {
				seen++
			}
			for _, sent := range []string{url.PathEscape(path), path, body} { // what it said itself may come back
				if strings.Contains(sent, other) {
					return ""
				}
			}
			if all := fmt.Sprint(answer.Header) + said; strings.Contains(all, other) {
				t.Errorf("%s %s to a program of %s: %s %s", method, path, mine, answer.Status, all)
			}
			var page struct{ After string }
			_ = json.Unmarshal([]byte(said), &page)
			return page.After
		}
		for _, list := range []string{"/checks?", "/domains?", "/links?", "/audit?", "/accounts?domain=" + hosted[mine][1] + "&"} {
			for _, limit := range []string{"1", "2", "1000"} {
				pages, after := 0, ""
				for {
					next := ask("GET", list+"limit="+limit+"&after="+url.QueryEscape(after), "")
					if pages++; next == "" || pages > 50 {
						break
					}
					after = next
				}
				if pages > 50 || limit == "1" && pages < 3 {
					t.Errorf("%s by %s: %d pages", list, limit, pages)
				}
			}
		}
		for _, domain := range append(append([]string{}, hosted[mine]...), "nowhere.example") {
			for _, path := range []string{"/checks/", "/domains/"} {
				ask("GET", path+domain, "")
			}
			for _, q := range []string{"a", "the", "%25"} {
				ask("GET", "/accounts?domain="+domain+"&q="+q, "")
			}
			ask("PUT", "/domains/"+domain, `{"plan":"nowhere"}`)
			ask("PUT", "/domains/"+domain, `{}`)
			ask("DELETE", "/domains/"+domain, "")
			for _, route := range []string{"/accounts/", "/decisions/", "/overrides/", "/renders/autodiscover/", "/links/"} {
				ask("GET", route+mine+"0%40"+domain, "")
			}
		}
		if asked < 80 || seen < 50 {
			t.Errorf("%d questions, %d answers with something", asked, seen)
		}
	}
	// A name that a token serves, and that another customer has as an alias.
	p := servertest.NewProgram(t, o, append([]string{"also-b-banana.example"}, hosted["apple"]...), staff.Scopes...)
	if status, object := p.Ask("PUT", "/domains/also-b-banana.example", `{"plan":"standard"}`); status != http.StatusConflict || strings.Contains(strings.ReplaceAll(fmt.Sprint(object), "also-b-banana.example", ""), "banana") {
		t.Errorf("%d %v", status, object)
	}
	if status, object := p.Ask("PUT", "/domains/"+hosted["apple"][0], `{"plan":"standard","aliases":["also-b-banana.example"]}`); status != http.StatusConflict || strings.Contains(strings.ReplaceAll(fmt.Sprint(object), "also-b-banana.example", ""), "banana") {
		t.Errorf("%d %v", status, object)
	}
}
