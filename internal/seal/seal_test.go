package seal_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"autoconfig/internal/seal"
)

// What is sealed opens by its own name, for its own purpose and with its own secret only: rows of the
// database can't be exchanged.
func TestSealedBelongsToItsName(t *testing.T) {
	t.Parallel()
	made := func(secret, purpose string) seal.Seal {
		s, err := seal.New([]byte(secret), purpose)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ours := made("a secret", "keys")
	sealed := ours.Close([]byte("a key"), "autoconfig.example.com")
	if plain, err := ours.Open(sealed, "autoconfig.example.com"); err != nil || string(plain) != "a key" {
		t.Errorf("%q %v", plain, err)
	}
	changed := append([]byte{}, sealed...)
	changed[len(changed)-1] ^= 1
	for what, open := range map[string]func() ([]byte, error){
		"another name":    func() ([]byte, error) { return ours.Open(sealed, "autoconfig.example.org") },
		"another purpose": func() ([]byte, error) { return made("a secret", "messages").Open(sealed, "autoconfig.example.com") },
		"another secret":  func() ([]byte, error) { return made("another secret", "keys").Open(sealed, "autoconfig.example.com") },
		"a changed byte":  func() ([]byte, error) { return ours.Open(changed, "autoconfig.example.com") },
		"nothing":         func() ([]byte, error) { return ours.Open(nil, "autoconfig.example.com") },
	} {
		if plain, err := open(); !errors.Is(err, seal.ErrSealed) || plain != nil {
			t.Errorf("%s opens it: %q %v", what, plain, err)
		}
	}
}

// What versions before this package sealed must stay readable.
func TestOlderSealsOpen(t *testing.T) {
	t.Parallel()
	sealed, err := hex.DecodeString("75e7699e0697c02afd761494134e67611b3945a7bff7b7b0ab8164102cc9b378")
	if err != nil {
		t.Fatal(err)
	}
	messages, err := seal.New([]byte("a secret"), "autoconfig messages that wait")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := messages.Open(sealed, "m1"); err != nil || string(plain) != "text" {
		t.Errorf("%q %v", plain, err)
	}
}
