package trace

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/settings"
)

func at(n int) Request { return Request{At: time.Unix(int64(n), 0)} }

func times(all []Request) (numbers []int64) {
	for _, r := range all {
		numbers = append(numbers, r.At.Unix())
	}
	return numbers
}

func TestTheLastRequestsOfEachDomainAreKept(t *testing.T) {
	t.Parallel()
	tr := New(3, shards) // one domain in each shard
	for i := range 5 {
		tr.Note("example.com", at(i))
	}
	if got := times(tr.Of("example.com")); !slices.Equal(got, []int64{2, 3, 4}) {
		t.Errorf("kept %v", got)
	}
	if got := tr.Of("other.example"); got != nil {
		t.Errorf("of another domain: %v", got)
	}
	// As many domains as are allowed: those that were asked about last.
	for i := range 1000 {
		tr.Note(fmt.Sprintf("d%d.example", i), at(i))
	}
	kept := 0
	for i := range tr.shards {
		s := &tr.shards[i]
		kept += len(s.rings)
		if len(s.rings) != s.used.Len() || len(s.rings) > 1 {
			t.Errorf("shard %d has %d rings, %d used", i, len(s.rings), s.used.Len())
		}
	}
	if got := times(tr.Of("d999.example")); kept != shards || !slices.Equal(got, []int64{999}) {
		t.Errorf("%d domains are kept, of the last one %v", kept, got)
	}
}

func TestWithoutRoomNothingIsKept(t *testing.T) {
	t.Parallel()
	for _, tr := range []*Trace{New(0, 100), New(100, 0), nil} {
		if tr.Note("example.com", at(1)); len(tr.Of("example.com")) > 0 {
			t.Error("something is kept")
		}
	}
}

// A token tells addresses apart and says nothing of them, and not even that in another
// process.
func TestTokens(t *testing.T) {
	t.Parallel()
	one, other := New(1, 1), New(1, 1)
	a, b := settings.MustAddress("a@example.com"), settings.MustAddress("b@example.com")
	again := one.Token(a)
	switch {
	case one.Token(a) != again, one.Token(a) == one.Token(b), one.Token(a) == other.Token(a):
		t.Error("tokens don't tell addresses apart, or are the same everywhere")
	case one.Token(settings.Address{}).String() != "", len(one.Token(a).String()) != 16:
		t.Error(one.Token(a))
	}
}

func TestNothingIsAllocated(t *testing.T) { //nolint:paralleltest // it counts allocations
	tr := New(4, 100)
	a := settings.MustAddress(strings.Repeat("a", 60) + "@example.com")
	tr.Note("example.com", at(0))
	if n := testing.AllocsPerRun(100, func() { tr.Note("example.com", Request{Address: tr.Token(a)}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	tr := New(2, 40)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 500 {
				domain := fmt.Sprintf("d%d.example", (n*7+i)%60)
				tr.Note(domain, at(n))
				if len(tr.Of(domain)) > 2 {
					t.Error("more than two")
				}
			}
		})
	}
	group.Wait()
}
