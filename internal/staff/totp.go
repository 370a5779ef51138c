package staff

import (
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
