// Package seal encrypts what the database keeps and whoever reads it shouldn't see: keys of certificates,
// messages that wait, second factors.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrSealed means that something was sealed with another secret, for another purpose or as another
// thing, or was changed since.
var ErrSealed = errors.New("the secret_file isn't the one with which it was written")

// Seal encrypts and decrypts for one purpose, by AES-256-GCM.
type Seal struct{ aead cipher.AEAD }

// New derives a Seal from a secret. One for another purpose can't read what it sealed.
func New(secret []byte, purpose string) (Seal, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, 32)
	if err != nil {
		return Seal{}, fmt.Errorf("derive a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Seal{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Seal{aead}, err
}

// Close encrypts. of names what is encrypted, and must be given to [Seal.Open]: so rows of the database
// can't be exchanged.
func (s Seal) Close(plain []byte, of string) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, plain, []byte(of))
}

// Open decrypts, or returns [ErrSealed].
func (s Seal) Open(sealed []byte, of string) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, ErrSealed
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(of))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
