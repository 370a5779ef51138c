package certificates_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

// ask has names ordered as soon as somebody can.
func (w *world) ask(names ...string) {
	w.t.Helper()
	for _, name := range names {
		wanted := certificates.Certificate{Name: name, Class: certificates.Ahead}
		if err := w.store.AskCertificate(w.t.Context(), time.Now(), wanted, false); err != nil {
			w.t.Fatal(err)
		}
	}
}

// While the ACME server takes requests and answers none, what there is is served at once, and
// a client that asks for a name without a certificate is let go in time.
func TestAServerThatIsSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("one.example")
	w.keeper(func(o *certificates.Options) { o.Labels, o.Patience = nil, 100*time.Millisecond })
	w.ask("autoconfig.one.example")
	w.row("autoconfig.one.example", hasOne)
	stuck, goOn := context.WithCancel(t.Context())
	defer goOn()
	var arrived atomic.Int64
	hang := acme.Hang(stuck)
	w.acme.Break(func(rw http.ResponseWriter, r *http.Request) { arrived.Add(1); hang(rw, r) })
	w.host("one.example", "two.example")
	if err := w.shake("autoconfig.two.example"); err == nil {
		t.Error("there is a certificate")
	}
	testkit.Until(t, func() string { return "nothing is ordered" }, func() bool { return arrived.Load() > 0 })
	for _, name := range []string{"autoconfig.one.example", "autoconfig.one.example"} {
		if err := w.shake(name); err != nil {
			t.Error(err)
		}
	}
	if stuck.Err() != nil {
		t.Error("the server wasn't stuck meanwhile")
	}
	if row, err := w.store.Certificate(t.Context(), "autoconfig.two.example"); err != nil || row.HasOne() || row.Failures > 0 {
		t.Errorf("the order isn't under way: %+v %v", row, err)
	}
	w.acme.Break(nil)
	goOn()
	w.row("autoconfig.two.example", func(c certificates.Certificate) bool { return c.HasOne() || c.Failures > 0 })
	w.keeper() // which doesn't hold up
	w.ask("autoconfig.two.example")
	w.row("autoconfig.two.example", hasOne)
}

// An authority that refuses one customer's names keeps the others from nothing.
func TestANameThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *acme.Options) { o.Blocked = []string{"refused.example"} })
	w.host("refused.example")
	w.keeper(func(o *certificates.Options) { o.AtOnce = 1 })
	row := w.row("autoconfig.refused.example", failed)
	if row.Code != certificates.Refused || !strings.Contains(row.Reason, "refused.example") {
		t.Errorf("%s: %s", row.Code, row.Reason)
	}
	w.host("refused.example", "good.example")
	w.ask("autoconfig.good.example")
	w.row("autoconfig.good.example", hasOne)
}

// Where this machine's clock is wrong, a certificate may be old when it arrives. It is served, for clients have the
// right time; but it isn't ordered over and over, and the row says what is the matter. With the
// right time, nothing is left of it.
func TestAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	const of = "autoconfig.one.example"
	for name, wrong := range map[string]time.Duration{
		"ahead": 80 * 24 * time.Hour, "far ahead": 3650 * 24 * time.Hour, "behind": -3650 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.host("one.example")
			one := func(o *certificates.Options) { o.Labels = labels[:1] }
			k := w.keeper(one, func(o *certificates.Options) {
				o.Now = func() time.Time { return time.Now().Add(wrong) }
			})
			row := w.row(of, hasOne)
			if err := w.shake(of); err != nil {
				t.Error(err)
			}
			old := row.Failures == 1 && row.Code == certificates.Server && strings.Contains(row.Reason, "clock")
			if old != (wrong > 0) {
				t.Errorf("%d failures, %s: %s", row.Failures, row.Code, row.Reason)
			}
			if k.Work(t.Context()) {
				t.Error("there is something to be done at once")
			}
			if err := w.store.WantSpecialNames(t.Context(), time.Now(), labels[:1]); err != nil {
				t.Fatal(err)
			}
			w.keeper(one) // with the right time
			w.row(of, func(c certificates.Certificate) bool {
				return c.Failures == 0 && c.Reason == "" && time.Until(c.DueAt) < 48*time.Hour
			})
			if err := w.shake(of); err != nil {
				t.Error(err)
			}
			if got := w.acme.Orders(); got != 1 {
				t.Errorf("%d orders", got)
			}
		})
	}
}
