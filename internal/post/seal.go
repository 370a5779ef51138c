package post

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

var errSealed = errors.New("its text can't be read: the secret_file isn't the one it was written with")

// seal encrypts messages that wait: a setup link in one works for whoever reads it. The
// message's identity is sealed with it, so that rows can't be exchanged.
type seal struct{ aead cipher.AEAD }

func newSeal(secret []byte) (seal, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "autoconfig messages that wait", 32)
	if err != nil {
		return seal{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}, err
	}
	aead, err := cipher.NewGCM(block)
	return seal{aead}, err
}

func (s seal) close(plain []byte, of string) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, plain, []byte(of))
}

func (s seal) open(sealed []byte, of string) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, errSealed
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(of))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
