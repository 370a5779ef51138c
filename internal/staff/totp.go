package staff

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what every authenticator app speaks (RFC 6238)
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// Second factors are time-based one-time passwords (RFC 6238) as every
// authenticator app has them: SHA-1, six digits, 30 seconds; one step of clock
// difference is forgiven.
const (
	totpStep = 30 * time.Second
	totpSize = 20 // RFC 4226, section 4, R6
	totpSkew = 1
)

// NewTOTPKey makes the key of a second factor.
func NewTOTPKey() []byte {
	key := make([]byte, totpSize)
	_, _ = rand.Read(key) // never fails
	return key
}

// TOTPKeyText is the key as people type it.
func TOTPKeyText(key []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
}

// TOTPKeyURL is what the QR code of an enrolment holds (Google Authenticator's
// Key Uri Format).
func TOTPKeyURL(issuer, name string, key []byte) string {
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + name,
		RawQuery: "secret=" + TOTPKeyText(key) + "&issuer=" + url.PathEscape(issuer),
	}
	return u.String()
}

// Code is the code of a time.
func Code(key []byte, at time.Time) string { return code(key, at.Unix()/int64(totpStep.Seconds())) }

func code(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step) // to a hash: never fails
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// stepOf finds the time step that a code belongs to; 0 if none near now.
func stepOf(key []byte, typed string, now time.Time) int64 {
	at := now.Unix() / int64(totpStep.Seconds())
	found := int64(0)
	for step := at - totpSkew; step <= at+totpSkew; step++ {
		if subtle.ConstantTimeCompare([]byte(code(key, step)), []byte(typed)) == 1 {
			found = step
		}
	}
	return found
}

// seal encrypts what must be read again, with a key of 32 bytes.
func seal(key, plain []byte) []byte { return sealFor(key, "", plain) }

// sealFor lets what it gives be read for the same purpose only.
func sealFor(key []byte, purpose string, plain []byte) []byte {
	aead := newAEAD(key)
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, plain, []byte(purpose))
}

func unseal(key, sealed []byte) ([]byte, error) { return unsealFor(key, "", sealed) }

func unsealFor(key []byte, purpose string, sealed []byte) ([]byte, error) {
	aead := newAEAD(key)
	if len(sealed) < aead.NonceSize() {
		return nil, errSealed
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(purpose))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

var errSealed = fmt.Errorf("a second factor can't be read: the secret_file isn't the one it was made with; give the " +
	"person a new password, which starts anew")

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return aead
}
