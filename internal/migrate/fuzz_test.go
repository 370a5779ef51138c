package migrate

import (
	"strings"
	"testing"

	"autoconfig/policy"
)

// Whatever is in a file, it is refused with a place, or it is in the store and comes
// out of it again. Nothing of it panics.
func fuzzAccounts(f *testing.F, format Format) {
	f.Helper()
	for _, c := range badLines {
		if c.format == format && len(c.text) < 1000 {
			f.Add(c.text)
		}
	}
	f.Add("address,name,groups,addresses\na@example.com,A,\"\"\"x y\"\" z\",\"\"\"c d\"\"@example.com e@example.com\"\n")
	f.Add(`{"address":"a@example.com","name":"A","groups":["x y"],"addresses":["\"c d\"@example.com"]}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		store := newFake(t, demo())
		got := importAccounts(t, store, format, text)
		if got.Lines > strings.Count(text, "\n")+1 {
			t.Fatalf("%d lines in %q", got.Lines, text)
		}
		if got.Refused > 0 {
			return
		}
		var out strings.Builder
		if _, err := ExportAccounts(t.Context(), store, "", format, &out); err != nil {
			t.Fatal(err)
		}
		store.puts = 0
		if again := importAccounts(t, store, format, out.String()); again.Refused > 0 || !again.Empty() {
			t.Fatalf("%q was exported as %q, which gives %+v", text, out.String(), again)
		}
	})
}

func FuzzAccountsCSV(f *testing.F)   { fuzzAccounts(f, CSV) }
func FuzzAccountsJSONL(f *testing.F) { fuzzAccounts(f, JSONL) }

func FuzzDomainsJSONL(f *testing.F) {
	f.Add(`{"name":"a.example","plan":"standard"}` + "\n")
	f.Add(`{"name":"a.example","servers":{"imap":[{"host":"i.example"}],"smtp":[{"host":"s.example"}]},"policy":{"rules":[{"name":"r","match":{"group":"g"},"protocol":"imap"}]}}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		store := newFake(t, demo())
		if len(importDomains(t, store, JSONL, text)) > 0 {
			return
		}
		var out strings.Builder
		if _, err := ExportDomains(domainsOf(store.config), JSONL, &out); err != nil {
			t.Fatal(err)
		}
		again := newFake(t, policy.Site{Providers: store.config.Providers, Plans: store.config.Plans})
		if refused := importDomains(t, again, JSONL, out.String()); len(refused) > 0 {
			t.Fatalf("%q was exported as %q, of which is refused %q", text, out.String(), refused)
		}
	})
}
