package doctor

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"autoconfig/pacc"
	"autoconfig/settings"
)

func TestFaultsOfPACC(t *testing.T) {
	t.Parallel()
	const owner = "_ua-auto-config.example.com"
	txt := func(document string) string {
		return owner + `. 300 TXT "` + pacc.DigestOf([]byte(document)).TXT() + `"`
	}
	serve := func(w *webWorld, document string) {
		w.sites["https://ua-auto-config.example.com"] = say(http.StatusOK, "application/json", document)
	}
	for name, c := range map[string]struct {
		fault func(t *testing.T, w *webWorld)
		code  Code
		seen  string
	}{
		"healthy":                 {func(*testing.T, *webWorld) {}, "", ""},
		"rollover":                {func(_ *testing.T, w *webWorld) { w.add(txt("the next one")) }, "", ""},
		"another text beside it":  {func(_ *testing.T, w *webWorld) { w.add(owner + `. 300 TXT "hello"`) }, "", ""},
		"no digest":               {func(t *testing.T, w *webWorld) { w.remove(t, owner) }, PACCTXTMissing, "nothing"},
		"unreadable digest":       {func(_ *testing.T, w *webWorld) { w.add(owner + `. 300 TXT "v=UAAC1; a=sha256; d=x"`) }, PACCTXTInvalid, "d=x"},
		"another document":        {func(_ *testing.T, w *webWorld) { serve(w, paccDocument+" ") }, PACCDigest, "v=UAAC1"},
		"no document":             {func(_ *testing.T, w *webWorld) { delete(w.sites, "https://ua-auto-config.example.com") }, PACCUnreachable, "status 404"},
		"no host":                 {func(t *testing.T, w *webWorld) { w.remove(t, "ua-auto-config.example.com") }, PACCUnreachable, "no such host"},
		"a document that is none": {func(t *testing.T, w *webWorld) { serve(w, "x"); w.remove(t, owner); w.add(txt("x")) }, ConfigUnreadable, "not a PACC document"},
		"both protocols": {func(t *testing.T, w *webWorld) {
			both := `{"protocols":{"imap":{"host":"a"},"pop3":{"host":"b"}}}`
			serve(w, both)
			w.remove(t, owner)
			w.add(txt(both))
		}, ConfigDisagrees, "IMAP and POP3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			w.checker.Only = []Part{PartPACC}
			serve(w, paccDocument)
			c.fault(t, w)
			r := w.check(t)
			if c.code == "" && len(r.Findings) == 0 {
				return
			}
			if len(r.Findings) != 1 || r.Findings[0].Code != c.code || !strings.Contains(r.Findings[0].Seen, c.seen) {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}

// shelf keeps documents in memory.
type shelf map[string][2][]byte

func (s shelf) PACC(_ context.Context, name string) (served, waiting []byte, err error) {
	return s[name][0], s[name][1], nil
}

func (s shelf) PutPACC(_ context.Context, name string, served, waiting []byte) error {
	s[name] = [2][]byte{served, waiting}
	return nil
}

// A changed document is served only once its digest is at every server of the
// zone, or by force; one that the policy can't have any more is taken away.
func TestAChangedDocumentWaitsForItsDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := shelf{}
	p := Publisher{Documents: kept, Prober: &w.checker.Prober}
	settle := func(force bool) Publication {
		t.Helper()
		w.dns.Set(t, w.records...)
		state, err := p.Settle(t.Context(), "example.com", w.plan.Terms, force)
		if err != nil || string(kept["example.com"][0]) != state.Served || string(kept["example.com"][1]) != state.Waiting {
			t.Fatalf("%v %+v, stored %q", err, state, kept)
		}
		return state
	}
	first := settle(false)
	if first.Served == "" || first.Waiting != "" || first.Owner != "_ua-auto-config.example.com." {
		t.Fatalf("the first: %+v", first)
	}
	w.plan.Terms.Servers.IMAP[0].Host = "new.example.com"
	second := settle(false)
	if second.Served != first.Served || !strings.Contains(second.Waiting, "new.example.com") || second.Why != "its digest is not at ns.example.com. yet" {
		t.Fatalf("the second: %+v", second)
	}
	// A server that can't be asked is not one that has it.
	delete(w.routes, "192.0.2.53:53")
	w.add(second.Owner + ` 300 TXT "` + second.WaitingTXT + `"`)
	if state := settle(false); state.Served != first.Served || !strings.Contains(state.Why, "can't be asked") {
		t.Errorf("an unreachable server: %+v", state)
	}
	w.routes["192.0.2.53:53"] = w.dns.Addr
	if state := settle(false); state.Served != second.Waiting || state.Waiting != "" || state.Why != "" {
		t.Errorf("seen: %+v", state)
	}
	// Back to what it was, nothing is to wait for.
	w.plan.Terms.Servers.IMAP[0].Host = "newer.example.com"
	settle(false)
	w.plan.Terms.Servers.IMAP[0].Host = "new.example.com"
	if state := settle(false); state.Waiting != "" {
		t.Errorf("taken back: %+v", state)
	}
	w.plan.Terms.Servers.IMAP[0].Host = "forced.example.com"
	if state := settle(true); !strings.Contains(state.Served, "forced.example.com") || state.Waiting != "" {
		t.Errorf("forced: %+v", state)
	}
	w.plan.Terms.Servers.IMAP[0].Security = settings.STARTTLS
	if state := settle(false); state.Served != "" || !strings.Contains(state.Why, "implicit TLS") {
		t.Errorf("impossible: %+v", state)
	}
}
