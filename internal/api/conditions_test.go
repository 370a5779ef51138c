package api_test

import (
	"context"
	"fmt"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// outside is a source with one account.
type outside struct{ directory.Source }

func (outside) Account(_ context.Context, address settings.Address) (policy.Account, error) {
	if address.Key() != "outside@example.com" {
		return policy.Account{}, directory.ErrNotFound
	}
	return policy.Account{Address: settings.MustAddress("Outside@example.com")}, nil
}

func (outside) Domain(context.Context, string) (directory.SourceDomain, error) {
	return directory.SourceDomain{}, directory.ErrNotFound
}

func (outside) Ping(context.Context) error { return nil }

func (outside) Close() error { return nil }

// officeWithOutside is an office with a source besides its own database.
func officeWithOutside(t *testing.T) *servertest.Office {
	t.Helper()
	site := servertest.TestSite(t)
	g := servertest.Ground{
		Database: "sqlite:test.db", Folder: t.TempDir(), Site: &site,
		Sources: []directory.SourceOptions{{Name: "panel", Source: outside{}}},
	}
	return g.Office(t)
}

// Whatever has an ETag has the same one in the answer that changed it and in the one that
// shows it, is changed in parts, and is changed and removed only as the program knows it.
func TestEveryThingHasConditions(t *testing.T) {
	t.Parallel()
	p := servertest.NewProgram(t, officeWithOutside(t), []string{"*"}, staff.Scopes...)
	must := asks(t, p)
	server := func(host string) []any { return []any{map[string]any{"host": host}} }
	for _, c := range []struct {
		at                string
		whole, part       map[string]any
		changed, kept     string
		want, stays       any
		wrong, contradict map[string]any
		removed           bool
	}{
		{
			at: "/accounts/Part%40example.com", whole: map[string]any{"name": "A", "devices": "one"},
			part: map[string]any{"devices": "several"}, changed: "devices", want: "several", kept: "name", stays: "A",
			wrong: map[string]any{"devices": "many"}, contradict: map[string]any{"address": "b@example.com"}, removed: true,
		},
		{
			at: "/overrides/outside%40example.com", whole: map[string]any{"protocol": "pop3", "note": "quota"},
			part: map[string]any{"protocol": nil, "devices": "one"}, changed: "devices", want: "one", kept: "note", stays: "quota",
			wrong: map[string]any{"devices": "many"}, contradict: map[string]any{"address": "b@example.com"}, removed: true,
		},
		{
			at: "/domains/part.example", whole: map[string]any{"plan": "standard", "aliases": []any{"also.example"}},
			part: map[string]any{"aliases": nil, "username": "{local}"}, changed: "username", want: "{local}", kept: "plan", stays: "standard",
			wrong: map[string]any{"plan": "nowhere"}, contradict: map[string]any{"name": "other.example"}, removed: true,
		},
		{
			at: "/plans/part", whole: map[string]any{"provider": "example", "servers": map[string]any{"imap": server("IMAP.part.example"), "smtp": server("smtp.part.example")}},
			part: map[string]any{"recipient_delimiter": "-"}, changed: "recipient_delimiter", want: "-", kept: "provider", stays: "example",
			wrong: map[string]any{"provider": "nowhere"}, contradict: map[string]any{"name": "other"},
		},
		{
			at: "/providers/part", whole: map[string]any{"name": "Part", "time_zone": "Europe/Berlin"},
			part: map[string]any{"time_zone": nil, "short_name": "P"}, changed: "short_name", want: "P", kept: "name", stays: "Part",
			wrong: map[string]any{"time_zone": "Nowhere/Else"}, contradict: map[string]any{"id": "other"},
		},
	} {
		must(404, "PATCH", c.at, c.part)
		must(412, "PUT", c.at, c.whole, "If-Match", `"x"`)
		must(201, "PUT", c.at, c.whole, "If-None-Match", "*")
		if got := p.Header.Get("Location"); got != "/api/v1"+c.at {
			t.Errorf("%s: Location: %q", c.at, got)
		}
		added := p.Header.Get("ETag")
		must(304, "GET", c.at, nil, "If-None-Match", added)
		got := must(200, "PATCH", c.at, c.part, "If-Match", added)
		if got[c.changed] != c.want || got[c.kept] != c.stays {
			t.Errorf("%s: %v", c.at, got)
		}
		changed := p.Header.Get("ETag")
		if changed == added || changed == "" {
			t.Errorf("%s: ETag %q after %q", c.at, changed, added)
		}
		must(412, "PATCH", c.at, c.part, "If-Match", added)
		must(412, "PUT", c.at, c.whole, "If-Match", added)
		must(412, "PUT", c.at, c.whole, "If-None-Match", "*")
		must(422, "PATCH", c.at, c.wrong, "If-Match", changed)
		if got := must(400, "PATCH", c.at, c.contradict); got["code"] != "json" || got["field"] == nil {
			t.Errorf("%s: %v", c.at, got)
		}
		must(400, "PATCH", c.at, `[]`)
		must(304, "GET", c.at, nil, "If-None-Match", changed)
		if !c.removed {
			must(405, "DELETE", c.at, nil)
			continue
		}
		if got := must(412, "DELETE", c.at, nil, "If-Match", added); got["code"] != "changed" {
			t.Errorf("%s: %v", c.at, got)
		}
		must(304, "GET", c.at, nil, "If-None-Match", changed)
		must(204, "DELETE", c.at, nil, "If-Match", fmt.Sprintf(`"other", %s`, changed))
		must(404, "GET", c.at, nil)
		must(404, "DELETE", c.at, nil, "If-Match", changed)
	}
}

// An override that says nothing is none: nothing is added by it, and a part that takes the
// last of it away removes it.
func TestOverridesThatSayNothing(t *testing.T) {
	t.Parallel()
	p := servertest.NewProgram(t, officeWithOutside(t), []string{"*"}, staff.Scopes...)
	must := asks(t, p)
	const at = "/overrides/outside%40example.com"
	must(200, "PUT", at, map[string]any{})
	must(404, "GET", at, nil)
	must(201, "PUT", at, map[string]any{"devices": "one"})
	must(200, "PATCH", at, map[string]any{"devices": nil})
	must(404, "GET", at, nil)
}
