package pacc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Label is put before a domain for the owner of the TXT record.
const Label = "_ua-auto-config"

// HostLabel is put before a domain for the host that serves the document.
const HostLabel = "ua-auto-config"

// Path is where that host has the document.
const Path = "/.well-known/user-agent-configuration.json"

// ErrTXT is returned for a record that begins like a digest and isn't one.
var ErrTXT = errors.New("not a PACC digest")

// Digest is the SHA-256 of a document's bytes.
type Digest [sha256.Size]byte

// DigestOf hashes the bytes as they are served.
func DigestOf(document []byte) Digest { return sha256.Sum256(document) }

// TXT is the text of the record that announces the digest (-03, section 5.2.2.2).
func (d Digest) TXT() string {
	return "v=UAAC1; a=sha256; d=" + base64.StdEncoding.EncodeToString(d[:])
}

// Equal compares in constant time.
func (d Digest) Equal(other Digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// IsTXT tells whether a TXT record at the owner is meant to be a digest: others
// may stand beside it.
func IsTXT(text string) bool {
	for tag := range strings.SplitSeq(text, ";") {
		if name, value, ok := strings.Cut(tag, "="); ok && blankless(name) == "v" {
			return strings.HasPrefix(blankless(value), "UAAC")
		}
	}
	return false
}

// ParseTXT reads a record, whose strings have been joined. The order of tags is
// free, blanks may stand around ; and =, a last ; is allowed, unknown tags are
// ignored, and a repeated tag is an error (-03, section 5.2.2.2, as automx reads
// it). Errors are [ErrTXT].
func ParseTXT(text string) (Digest, error) {
	tags := map[string]string{}
	for tag := range strings.SplitSeq(strings.TrimSuffix(strings.TrimRight(text, " \t"), ";"), ";") {
		name, value, ok := strings.Cut(tag, "=")
		name = blankless(name)
		switch _, twice := tags[name]; {
		case !ok || name == "":
			return Digest{}, fmt.Errorf("%w: %q is not NAME=VALUE", ErrTXT, blankless(tag))
		case twice:
			return Digest{}, fmt.Errorf("%w: it has %s= twice", ErrTXT, name)
		}
		tags[name] = blankless(value)
	}
	for i := range len(text) {
		if text[i] >= 0x80 {
			return Digest{}, fmt.Errorf("%w: it isn't ASCII", ErrTXT)
		}
	}
	switch {
	case tags["v"] != "UAAC1":
		return Digest{}, fmt.Errorf("%w: its version is %q, not UAAC1", ErrTXT, tags["v"])
	case tags["a"] != "sha256":
		return Digest{}, fmt.Errorf("%w: its algorithm is %q, not sha256", ErrTXT, tags["a"])
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(tags["d"])
	if err != nil || len(raw) != sha256.Size {
		return Digest{}, fmt.Errorf("%w: d= is not the Base64 of 32 bytes", ErrTXT)
	}
	return Digest(raw), nil
}

func blankless(s string) string { return strings.Trim(s, " \t") }
