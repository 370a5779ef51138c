package mobileconfig

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"autoconfig/settings"
)

// identifier decides on a device whether a profile replaces another one or is
// added. It derives from the site and the mailbox alone: not from how the address
// was typed, nor from any setting that may change.
func identifier(s *settings.Settings) string {
	labels := strings.Split(s.Mailbox.Domain(), ".")
	slices.Reverse(labels)
	short := base32.StdEncoding.EncodeToString(derive(s, "identifier")[:15])
	return strings.Join(labels, ".") + ".autoconfig." + strings.ToLower(short)
}

// uuid names a payload for ever (RFC 9562, version 8: the bits are ours). When a
// profile is replaced, payloads that keep identifier and UUID are updated.
func uuid(s *settings.Settings, label string) string {
	u := derive(s, "uuid "+label)[:16]
	u[6] = u[6]&0x0F | 0x80
	u[8] = u[8]&0x3F | 0x80
	text := make([]byte, 0, 36)
	for i, b := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = append(text, upperHex[b>>4], upperHex[b&0x0F])
	}
	return string(text)
}

const upperHex = "0123456789ABCDEF"

func derive(s *settings.Settings, label string) []byte {
	mac := hmac.New(sha256.New, []byte(s.SiteID))
	mac.Write([]byte("autoconfig mobileconfig " + label + "\x00" + s.Mailbox.Key()))
	return mac.Sum(nil)
}
