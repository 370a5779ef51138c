package helpdesk_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

// ledger counts the pages of the audit log that are read, and fails at one.
type ledger struct {
	*store.Store
	failAt atomic.Int64 // 0 for never
	pages  atomic.Int64
	mu     sync.Mutex
	until  []time.Time // of each page's context
}

func (l *ledger) Entries(ctx context.Context, f staff.EntryFilter) ([]staff.Entry, error) {
	n := l.pages.Add(1)
	if n == l.failAt.Load() {
		return nil, errors.New("the database has gone")
	}
	until, _ := ctx.Deadline()
	l.mu.Lock()
	l.until = append(l.until, until)
	l.mu.Unlock()
	return l.Store.Entries(ctx, f)
}

// An export of the audit log is whole, with each page's own time; one that fails in the
// middle is broken off, so that nobody takes it for whole, and the log says so.
func TestAnExportIsWholeOrBroken(t *testing.T) {
	t.Parallel()
	const entries = 200_000
	var logs safeBuffer
	g := servertest.Ground{Database: "sqlite:test.db", Folder: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&logs, nil))}
	l := &ledger{}
	o, _, db := frailOffice(t, g, func(options *servertest.Options) {
		l.Store = options.Links.Store.(*frail).Store
		options.Desk.Store = l
	})
	v := o.SignedIn(t, "eva", staff.Admin, "*")
	_, err := db.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO audit (at, actor, actor_id, actor_issuer, action, subject, domain, detail)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i, 'staff:eva', '', '', 'account shown', 'a' || i || '@example.com', 'example.com', '' FROM n`, entries))
	if err != nil {
		t.Fatal(err)
	}
	export := func() (answer *http.Response, table [][]string, lines int, err error) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.Staff.URL+"/helpdesk/audit.csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err = v.Client.Do(r); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err == nil && answer.StatusCode == http.StatusOK {
			if table, err = csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil {
				t.Error(err)
			}
		}
		return answer, table, bytes.Count(body, []byte("\n")), err
	}
	answer, table, _, err := export()
	if err != nil || answer.StatusCode != http.StatusOK || len(table) < entries+1 {
		t.Fatalf("%v, %s, %d lines", err, answer.Status, len(table))
	}
	if count := answer.Trailer.Get("Audit-Entries"); count != fmt.Sprint(len(table)-1) {
		t.Errorf("%d entries, and it says %q", len(table)-1, count)
	}
	if last := table[len(table)-1]; strings.HasPrefix(last[4], "a") && last[1] == "" || len(last) != 9 {
		t.Errorf("%q", last)
	}
	if first, last := l.until[0], l.until[len(l.until)-1]; len(l.until) < entries/1000 || !last.After(first) {
		t.Errorf("%d pages, all to be read until %v", len(l.until), first)
	}

	l.failAt.Store(l.pages.Load() + 100)
	_, _, lines, err := export()
	if err == nil || lines < 1000 || lines > entries*3/4 {
		t.Errorf("broken off: %v, %d lines", err, lines)
	}
	if said := logs.String(); !strings.Contains(said, "the database has gone") || strings.Count(said, "route=/helpdesk/audit.csv") < 3 {
		t.Errorf("the log says\n%s", said)
	}
	l.failAt.Store(l.pages.Load() + 1)
	if answer, _, _, err := export(); err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("broken before it began: %v", err)
	}
}

// safeBuffer is what several goroutines write.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
