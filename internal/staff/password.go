package staff

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id (OWASP's first choice, 2024): 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonSize   = 32
)

// Length of a password in characters (NIST SP 800-63B, section 5.1.1.2, asks for 8
// with a second factor).
const (
	MinPassword = 12
	maxPassword = 256
)

// ErrPassword means that a password is invalid.
var ErrPassword = fmt.Errorf("a password has %d to %d characters", MinPassword, maxPassword)

// hashing bounds concurrent hashes, and so memory to 4 times 19 MiB. Who waits longer than patience
// is refused.
type hashing struct{ slots chan struct{} }

const (
	hashesAtOnce = 4
	patience     = 3 * time.Second
)

func newHashing() *hashing { return &hashing{make(chan struct{}, hashesAtOnce)} }

func (h *hashing) key(password string, salt []byte, passes, memory uint32, lanes uint8) ([]byte, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-timer.C:
		return nil, ErrBusy
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, argonSize), nil
}

// hash hashes a password in the PHC format.
func (h *hashing) hash(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > maxPassword {
		return "", ErrPassword
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails
	key, err := h.key(password, salt, argonTime, argonMemory, argonLanes)
	if err != nil {
		return "", err
	}
	return phc(salt, key), nil
}

func phc(salt, key []byte) string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		encode(salt), encode(key))
}

// nobodys is a hash that no password has, with a random key: computing one would take 10 ms and
// 19 MiB at the start. Comparing with it takes as long as with any other.
func nobodys() string {
	drawn := make([]byte, argonSalt+argonSize)
	_, _ = rand.Read(drawn) // never fails
	return phc(drawn[:argonSalt], drawn[argonSalt:])
}

var errHash = errors.New("the stored hash of a password is broken")

// matches compares a password with a hash, in constant time.
func (h *hashing) matches(password, hash string) (bool, error) {
	parts := strings.Split(hash, "$")
	var version int
	var memory, passes uint32
	var lanes uint8
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes,
		&lanes); err != nil || memory > 1<<20 || passes > 16 || passes < 1 || lanes < 1 {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(password) > 4*maxPassword {
		return false, err
	}
	got, err := h.key(password, salt, passes, memory, lanes)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}
