package doctor

import (
	"bytes"
	"context"
	"errors"
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

// memory keeps one name's documents. What another replica does is done after they
// were read.
type memory struct {
	kept    Documents
	another func()
}

func (m *memory) PACC(context.Context, string) (Documents, error) {
	read := m.kept
	if m.another != nil {
		m.another()
	}
	return read, nil
}

func (m *memory) ReplacePACC(_ context.Context, changes ...DocumentChange) error {
	if !changes[0].Before.Equal(m.kept) {
		return ErrDocumentsChanged
	}
	m.kept = changes[0].After
	return nil
}

// Of two replicas that look at a name at once, the one that knows the older policy
// doesn't undo what the other has published since.
func TestADocumentOfAnotherReplicaStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := &memory{kept: Documents{Name: "example.com"}}
	p := Publisher{Documents: kept, Prober: &w.checker.Prober}
	newer := []byte("of the newer policy")
	kept.another = func() { kept.kept.Served = newer }
	if _, err := p.Reconcile(t.Context(), "example.com", w.plan.Terms, true); !errors.Is(err, ErrDocumentsChanged) || !bytes.Equal(kept.kept.Served, newer) {
		t.Errorf("%v, kept %q", err, kept.kept.Served)
	}
	kept.another = nil
	if _, err := p.Reconcile(t.Context(), "example.com", w.plan.Terms, true); err != nil || bytes.Equal(kept.kept.Served, newer) {
		t.Errorf("alone: %v, kept %q", err, kept.kept.Served)
	}
}

// A changed document is served only once its digest is at every server of the
// zone, or by force; one that the policy can't have any more is taken away.
func TestAChangedDocumentWaitsForItsDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := &memory{kept: Documents{Name: "example.com"}}
	p := Publisher{Documents: kept, Prober: &w.checker.Prober}
	reconcile := func(force bool) Publication {
		t.Helper()
		w.dns.Set(t, w.records...)
		state, err := p.Reconcile(t.Context(), "example.com", w.plan.Terms, force)
		if err != nil || string(kept.kept.Served) != state.Served || string(kept.kept.Waiting) != state.Waiting {
			t.Fatalf("%v %+v, stored %q", err, state, kept.kept)
		}
		return state
	}
	first := reconcile(false)
	if first.Served == "" || first.Waiting != "" || first.Owner != "_ua-auto-config.example.com." {
		t.Fatalf("the first: %+v", first)
	}
	w.plan.Terms.Servers.IMAP[0].Host = "new.example.com"
	second := reconcile(false)
	if second.Served != first.Served || !strings.Contains(second.Waiting, "new.example.com") || second.Why != "its digest is not at ns.example.com. yet" {
		t.Fatalf("the second: %+v", second)
	}
	// A server that can't be asked is not one that has it.
	delete(w.routes, "192.0.2.53:53")
	w.add(second.Owner + ` 300 TXT "` + second.WaitingTXT + `"`)
	if state := reconcile(false); state.Served != first.Served || !strings.Contains(state.Why, "can't be asked") {
		t.Errorf("an unreachable server: %+v", state)
	}
	w.routes["192.0.2.53:53"] = w.dns.Addr
	if state := reconcile(false); state.Served != second.Waiting || state.Waiting != "" || state.Why != "" {
		t.Errorf("seen: %+v", state)
	}
	// Back to what it was, nothing is to wait for.
	w.plan.Terms.Servers.IMAP[0].Host = "newer.example.com"
	reconcile(false)
	w.plan.Terms.Servers.IMAP[0].Host = "new.example.com"
	if state := reconcile(false); state.Waiting != "" {
		t.Errorf("taken back: %+v", state)
	}
	w.plan.Terms.Servers.IMAP[0].Host = "forced.example.com"
	if state := reconcile(true); !strings.Contains(state.Served, "forced.example.com") || state.Waiting != "" {
		t.Errorf("forced: %+v", state)
	}
	w.plan.Terms.Servers.IMAP[0].Security = settings.STARTTLS
	if state := reconcile(false); state.Served != "" || !strings.Contains(state.Why, "implicit TLS") {
		t.Errorf("impossible: %+v", state)
	}
}
