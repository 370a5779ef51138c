package store_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

func TestRecoveryCodes(t *testing.T) { onEach(t, testRecoveryCodes) }

func testRecoveryCodes(t *testing.T, s *store.Store) {
	ctx := t.Context()
	allGood(t, s.PutRecoveryCodes(ctx, "eva", [][]byte{{1}, {2}}), s.PutRecoveryCodes(ctx, "otto", [][]byte{{3}}))
	allGood(t, s.PutRecoveryCodes(ctx, "eva", [][]byte{{4}, {5}, {6}}))
	used := func(hash byte) bool {
		ok, err := s.UseRecoveryCode(ctx, []byte{hash})
		allGood(t, err)
		return ok
	}
	if used(1) {
		t.Error("an old code works beside the new ones")
	}
	var times atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if used(4) {
				times.Add(1)
			}
		})
	}
	group.Wait()
	if times.Load() != 1 {
		t.Errorf("a code was used %d times", times.Load())
	}
	for person, want := range map[string]int{"eva": 2, "otto": 1, "nobody": 0} {
		if n, err := s.RecoveryCodes(ctx, person); err != nil || n != want {
			t.Errorf("%s has %d codes, %v", person, n, err)
		}
	}
	allGood(t, s.ForgetSecondFactors(ctx, "eva"))
	if used(5) || !used(3) {
		t.Error("the codes of one person, and of one alone, are forgotten")
	}
}

func TestPasskeys(t *testing.T) { onEach(t, testPasskeys) }

func testPasskeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	long := make([]byte, 1023) // the longest that there may be
	long[0], long[1022] = 0xff, 1
	phone := staff.Passkey{ID: long, Person: "eva", Name: "ü's phone", Data: []byte(`{"a":"é"}`), MadeAt: when}
	key := staff.Passkey{ID: []byte{0}, Person: "eva", Name: "key", Data: []byte(`{}`), MadeAt: when.Add(time.Hour), ChallengedAt: when}
	allGood(t, s.AddPasskey(ctx, key), s.AddPasskey(ctx, phone))
	again := phone
	again.Person = "otto"
	if err := s.AddPasskey(ctx, again); !errors.Is(err, staff.ErrExists) {
		t.Errorf("somebody else's: %v", err)
	}
	if got, err := s.Passkeys(ctx, "eva"); err != nil || !reflect.DeepEqual(got, []staff.Passkey{phone, key}) {
		t.Errorf("%+v %v", got, err)
	}
	// Of one challenge's answers one is taken, and none of an older challenge.
	phone.ChallengedAt, phone.Data = when.Add(time.Millisecond), []byte(`{"count":1}`)
	var times atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			ok, err := s.UsePasskey(ctx, phone)
			if allGood(t, err); ok {
				times.Add(1)
			}
		})
	}
	group.Wait()
	older, foreign := phone, phone
	older.ChallengedAt, foreign.Person, foreign.ChallengedAt = when, "otto", when.Add(time.Hour)
	for name, k := range map[string]staff.Passkey{"an older challenge": older, "another person": foreign} {
		if ok, err := s.UsePasskey(ctx, k); err != nil || ok {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
	if got, err := s.Passkeys(ctx, "eva"); err != nil || times.Load() != 1 || !reflect.DeepEqual(got, []staff.Passkey{phone, key}) {
		t.Errorf("%d times; %+v %v", times.Load(), got, err)
	}
	if err := s.RemovePasskey(ctx, "otto", long); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("somebody else's was removed: %v", err)
	}
	allGood(t, s.RemovePasskey(ctx, "eva", long), s.ForgetSecondFactors(ctx, "eva"))
	if got, err := s.Passkeys(ctx, "eva"); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}
