package main

import (
	"errors"
	"testing"
	"time"

	"autoconfig/policy"
	"autoconfig/settings"
)

// It is noted since when an overridden account has been gone, and forgotten when it
// is back.
func TestOverriddenAccountsThatAreGone(t *testing.T) {
	t.Parallel()
	app, err := openDemo(&call{Context: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.close)
	first := time.Now().UTC().Truncate(time.Second)
	there := policy.Override{Address: settings.MustAddress("office@example.com"), Protocol: settings.POP3, GoneAt: first}
	gone := policy.Override{Address: settings.MustAddress("gone@example.com"), Protocol: settings.POP3}
	err = errors.Join(
		app.store.PutOverride(t.Context(), there), app.store.PutOverride(t.Context(), gone),
		app.store.MarkGone(t.Context(), there.Address.Key(), first),
		markGone(t.Context(), app, first), markGone(t.Context(), app, first.Add(time.Hour)),
	)
	if err != nil {
		t.Fatal(err)
	}
	since := map[string]time.Time{}
	for o, err := range app.store.AllOverrides(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		since[o.Address.String()] = o.GoneAt
	}
	if len(since) != 2 || !since["office@example.com"].IsZero() || !since["gone@example.com"].Equal(first) {
		t.Errorf("%v", since)
	}
}
