package certificates

import (
	"errors"
	"testing"
)

// A sealed key opens for its own name and with its own secret only: rows of the database
// can't be exchanged.
func TestSealedKeysBelongToTheirNames(t *testing.T) {
	t.Parallel()
	ours, err := newSeal([]byte("a secret"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSeal([]byte("another secret"))
	if err != nil {
		t.Fatal(err)
	}
	sealed := ours.close([]byte("a key"), "autoconfig.example.com")
	if plain, err := ours.open(sealed, "autoconfig.example.com"); err != nil || string(plain) != "a key" {
		t.Errorf("%q %v", plain, err)
	}
	for what, open := range map[string]func() ([]byte, error){
		"another name":   func() ([]byte, error) { return ours.open(sealed, "autoconfig.example.org") },
		"another secret": func() ([]byte, error) { return other.open(sealed, "autoconfig.example.com") },
		"nothing":        func() ([]byte, error) { return ours.open(nil, "autoconfig.example.com") },
	} {
		if plain, err := open(); !errors.Is(err, ErrSealed) || plain != nil {
			t.Errorf("%s opens it: %q %v", what, plain, err)
		}
	}
}
