package certificates_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

// A hoster's names are got ahead, and those that clients ask for first as well, while
// handshakes for what there is go on: nobody is refused, and each name is ordered once.
// NAMES are the names ahead, 16 by default; a quarter as many are asked for.
func TestManyNamesUnderLoad(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"tls-alpn-01", "http-01"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			names := testkit.Size(t, "NAMES", 16)
			var domains, ahead, asked []string
			for i := range names/2 + names/8 {
				d := fmt.Sprintf("d%03d.example", i)
				domains = append(domains, d)
				if i < names/2 {
					ahead = append(ahead, "autoconfig."+d, "autodiscover."+d)
				} else { // both names: a slow machine comes to the minute at which new domains are seen
					asked = append(asked, "autoconfig."+d, "autodiscover."+d)
				}
			}
			w.host(domains[:names/2]...)
			w.keeper(func(o *certificates.Options) { o.Challenges, o.Patience = []string{kind}, time.Minute })
			first := ahead[0]
			w.row(first, hasOne)
			ctx, stop := context.WithCancel(t.Context())
			var load, ask sync.WaitGroup
			shaken := 0
			load.Go(func() {
				for ctx.Err() == nil {
					if err := w.shake(first); err != nil && ctx.Err() == nil {
						t.Errorf("handshake %d: %v", shaken, err)
						return
					}
					shaken++
				}
			})
			for _, name := range ahead {
				w.row(name, hasOne)
			}
			w.host(domains...)
			places := make(chan struct{}, 8)
			for _, name := range asked {
				ask.Go(func() {
					places <- struct{}{}
					defer func() { <-places }()
					if err := w.shake(name); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			ask.Wait()
			stop()
			load.Wait()
			if shaken < names/2 {
				t.Errorf("only %d handshakes meanwhile", shaken)
			}
			if got, want := w.acme.Orders(), len(ahead)+len(asked); got != want {
				t.Errorf("%d orders for %d names", got, want)
			}
		})
	}
}

// An authority that wants to know its customers (external account binding) gets the key that
// it gave; without it, or with a wrong one, nothing is got, and the row says why.
func TestAnAuthorityThatKnowsItsCustomers(t *testing.T) {
	t.Parallel()
	const key = "c2VjcmV0LW9mLWEtY3VzdG9tZXItMDEyMzQ1Njc4OWFiY2RlZg"
	for name, c := range map[string]struct {
		external certificates.External
		got      bool
	}{
		"known":       {certificates.External{KeyID: "customer-1", MACKey: key}, true},
		"a wrong key": {certificates.External{KeyID: "customer-1", MACKey: strings.ToUpper(key)}, false},
		"unknown":     {certificates.External{KeyID: "customer-2", MACKey: key}, false},
		"none":        {certificates.External{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *acme.Options) { o.External = map[string]string{"customer-1": key} })
			w.host("one.example")
			w.keeper(func(o *certificates.Options) { o.External = c.external })
			const of = "autoconfig.one.example"
			if c.got {
				w.row(of, hasOne)
				if err := w.shake(of); err != nil {
					t.Error(err)
				}
				return
			}
			row := w.row(of, failed)
			if row.HasOne() || row.Reason == "" || w.acme.Orders() != 0 {
				t.Errorf("%d orders, %+v", w.acme.Orders(), row)
			}
			t.Logf("%s: %s", row.Code, row.Reason)
		})
	}
}

// Strangers who ask for names that aren't served leave nothing: no row, no memory. HELLOS
// are how many ask, 20,000 by default.
//
// It isn't parallel: it measures the memory of the whole process.
func TestHellosForUnknownNamesLeaveNothing(t *testing.T) {
	w := newWorld(t)
	w.host("one.example")
	k := w.keeper()
	w.row("autoconfig.one.example", hasOne)
	w.row("autodiscover.one.example", hasOne)
	ask := func(from, count int) {
		for i := range count {
			name := "autoconfig.d" + strconv.Itoa(from+i) + ".example"
			if c, err := k.Get(&tls.ClientHelloInfo{ServerName: name}); err == nil || c != nil {
				t.Fatalf("%s has a certificate", name)
			}
		}
	}
	count := testkit.Size(t, "HELLOS", 20_000)
	ask(0, count/10)
	before := heap()
	ask(count, count)
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d hellos left %d kB", count, grown>>10)
	}
	if _, err := w.store.Certificate(t.Context(), "autoconfig.d1.example"); !errors.Is(err, certificates.ErrNone) {
		t.Errorf("a name that isn't served has a row: %v", err)
	}
	if got := w.acme.Orders(); got != 2 {
		t.Errorf("%d orders", got)
	}
	if err := w.shake("autoconfig.one.example"); err != nil {
		t.Error(err)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
