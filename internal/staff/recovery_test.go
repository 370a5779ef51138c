package staff_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/staff"
)

// signInBy takes both steps, and gives the latest entry of the audit log too.
func signInBy(t *testing.T, d *staff.Desk, password, code string) (entry staff.Entry, err error) {
	t.Helper()
	token, err := signIn(t, d, "eva", password, code)
	if (token == "") != (err != nil) {
		t.Errorf("session %q, %v", token, err)
	}
	entries, listErr := d.Store.Entries(t.Context(), staff.EntryFilter{Limit: 1})
	if listErr != nil || len(entries) == 0 {
		t.Fatal(listErr)
	}
	return entries[0], err
}

// A recovery code takes the place of one code, once, as people type it, and wrong ones lock out.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	password, key := enrolled(t, d, c, "eva")
	p, err := d.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	codes, err := d.NewRecoveryCodes(t.Context(), p)
	if err != nil || len(codes) != staff.RecoveryCodes {
		t.Fatal(codes, err)
	}
	slices.Sort(codes)
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("the same code twice: %q", codes)
	}
	shape := regexp.MustCompile(`^\d{4} \d{4} \d{4}$`)
	for _, code := range codes {
		if !shape.MatchString(code) {
			t.Errorf("%q", code)
		}
	}
	for i, typed := range []string{
		codes[0], strings.ReplaceAll(codes[1], " ", ""), " " + strings.ReplaceAll(codes[2], " ", "-") + " ",
	} {
		entry, err := signInBy(t, d, password, typed)
		if err != nil || entry.Action != "signed in" || entry.Detail != fmt.Sprintf("recovery code, %d left", 9-i) {
			t.Errorf("%q: %+v %v", typed, entry, err)
		}
		if _, err := signInBy(t, d, password, typed); !errors.Is(err, staff.ErrSignIn) {
			t.Errorf("%q again: %v", typed, err)
		}
	}
	if left, err := d.Store.RecoveryCodes(t.Context(), p.ID); err != nil || left != 7 {
		t.Errorf("%d left, %v", left, err)
	}
	// Somebody else's is none, and guesses lock out as wrong codes do.
	c.advance(16 * time.Minute)
	_, _ = enrolled(t, d, c, "otto")
	otto, err := d.Store.PersonBySubject(t.Context(), "", "otto")
	if err != nil {
		t.Fatal(err)
	}
	others, err := d.NewRecoveryCodes(t.Context(), otto)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := signInBy(t, d, password, others[i]); !errors.Is(err, staff.ErrSignIn) {
			t.Errorf("otto's: %v", err)
		}
	}
	if _, err := signInBy(t, d, password, codes[3]); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("locked: %v", err)
	}
	c.advance(16 * time.Minute)
	if _, err := signInBy(t, d, password, staff.Code(key, c.now())); err != nil {
		t.Errorf("the app's code, beside: %v", err)
	}
	// New ones are in the place of the old ones, and a new password ends both.
	now, err := d.NewRecoveryCodes(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signInBy(t, d, password, codes[3]); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("an old code: %v", err)
	}
	if _, err := signInBy(t, d, password, now[0]); err != nil {
		t.Errorf("a new code: %v", err)
	}
	if _, err := d.Reset(t.Context(), staff.Actor{}, p); err != nil {
		t.Fatal(err)
	}
	if left, err := d.Store.RecoveryCodes(t.Context(), p.ID); err != nil || left != 0 {
		t.Errorf("%d left after a reset, %v", left, err)
	}
	if _, err := d.NewRecoveryCodes(t.Context(), p); !errors.Is(err, staff.ErrForbidden) {
		t.Errorf("codes without a second factor: %v", err)
	}
}

// A challenge is answered once, by somebody who hasn't been reset, and there is an end of keys.
func TestPasskeysOfAPerson(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	enrolled(t, d, c, "eva")
	p, err := d.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	for i := range staff.MaxPasskeys {
		if err := d.AddPasskey(t.Context(), p, staff.Passkey{ID: []byte{byte(i)}, Name: strings.Repeat("é", 70), Data: []byte("{}")}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := d.AddPasskey(t.Context(), p, staff.Passkey{ID: []byte("x"), Data: []byte("{}")}); !errors.Is(err, staff.ErrForbidden) {
		t.Errorf("one too many: %v", err)
	}
	keys, err := d.Store.Passkeys(t.Context(), p.ID)
	if err != nil || len(keys) != staff.MaxPasskeys || keys[0].Name != strings.Repeat("é", 60) {
		t.Fatalf("%d, %v: %+v", len(keys), err, keys[0])
	}
	k := keys[0]
	k.ChallengedAt = c.now()
	if _, err := d.SignInPasskey(t.Context(), p, k); err != nil {
		t.Error(err)
	}
	if _, err := d.SignInPasskey(t.Context(), p, k); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("the same challenge again: %v", err)
	}
	if err := d.RemovePasskey(t.Context(), p, k.ID); err != nil {
		t.Error(err)
	}
	k.ChallengedAt = c.now().Add(1)
	if _, err := d.SignInPasskey(t.Context(), p, k); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("removed: %v", err)
	}
	if _, err := d.Reset(t.Context(), staff.Actor{}, p); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SignInPasskey(t.Context(), p, keys[1]); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("after a reset: %v", err)
	}
	if err := d.AddPasskey(t.Context(), p, staff.Passkey{ID: []byte("x"), Data: []byte("{}")}); !errors.Is(err, staff.ErrForbidden) {
		t.Errorf("by who was reset meanwhile: %v", err)
	}
}
