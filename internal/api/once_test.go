package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// Of twelve orders with one key at the same time, one makes the link, and all get it;
// another order with the key is refused; the log has what was done.
func TestOneKeyIsOneLink(t *testing.T) {
	servertest.OnEachGround(t, &databases, func(t *testing.T, g servertest.Ground) {
		o := g.Office(t)
		p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
		send := func(body, key string) (status int, answer string) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.Staff.URL+"/api/v1/links", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return 0, ""
			}
			r.Header.Set("Authorization", "Bearer "+p.Token)
			r.Header.Set("Idempotency-Key", key)
			got, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return 0, ""
			}
			defer func() { _ = got.Body.Close() }()
			return got.StatusCode, servertest.Text(got)
		}
		const order = `{"address":"office@example.com","valid_minutes":60,"uses":2,"language":"de","note":"7"}`
		for round := range 5 {
			answers := make([]string, 12)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					status, answer := send(order, fmt.Sprint("round ", round))
					answers[i] = fmt.Sprint(status, answer)
				})
			}
			all.Wait()
			if slices.Sort(answers); !strings.HasPrefix(answers[0], "201") || len(slices.Compact(answers)) != 1 {
				t.Errorf("round %d: %q", round, slices.Compact(answers))
			}
		}
		for _, other := range []string{
			strings.Replace(order, "office", "kiosk", 1), strings.Replace(order, "60", "61", 1), strings.Replace(order, ":2", ":3", 1),
			strings.Replace(order, "de", "en", 1), strings.Replace(order, `"7"`, `"8"`, 1), `{"address":"office@example.com"}`,
		} {
			var problem struct{ Code string }
			status, answer := send(other, "round 0")
			if err := json.Unmarshal([]byte(answer), &problem); err != nil || status != http.StatusUnprocessableEntity || problem.Code != "idempotency" {
				t.Errorf("%s: %d %s", other, status, answer)
			}
		}
		list, err := o.Store.Links(t.Context(), links.Filter{Limit: 100})
		if err != nil || len(list) != 5 {
			t.Errorf("%d links, %v", len(list), err)
		}
		entries, err := o.Store.Entries(t.Context(), staff.EntryFilter{Limit: 100, Domains: []string{"example.com"}})
		if err != nil || len(entries) != 5 {
			t.Errorf("%d entries, %v: %+v", len(entries), err, entries)
		}
		for _, e := range entries {
			if e.Action != "link made" || e.Subject != "office@example.com" || !slices.ContainsFunc(list, func(l links.Link) bool { return e.Detail == "link "+l.ID }) {
				t.Errorf("%+v", e)
			}
		}
	})
}

// The page of a new link, loaded again, shows the same link; the form filled in again
// makes another one.
func TestALinksPageLoadedAgain(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.SignedIn(t, "eva", staff.Staff, "*")
	_, page := v.Get("/helpdesk/account?address=office%40example.com")
	once := regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(page)
	if once == nil {
		t.Fatal("no key in the form")
	}
	form := url.Values{"address": {"office@example.com"}, "hours": {"24"}, "uses": {"1"}, "language": {"en"}, "once": {once[1]}}
	link := regexp.MustCompile(`http://[^"<\s]+/s/[0-9a-v]{26}`)
	_, first := v.Post("/helpdesk/links", form)
	_, again := v.Post("/helpdesk/links", form)
	if link.FindString(first) == "" || link.FindString(first) != link.FindString(again) {
		t.Errorf("%q, loaded again %q", link.FindString(first), link.FindString(again))
	}
	form.Set("uses", "2")
	_, other := v.Post("/helpdesk/links", form)
	if link.FindString(other) == "" || link.FindString(other) == link.FindString(first) {
		t.Errorf("with two uses: %q", link.FindString(other))
	}
	if list, err := o.Store.Links(t.Context(), links.Filter{Limit: 10}); err != nil || len(list) != 2 {
		t.Errorf("%d links, %v", len(list), err)
	}
}
