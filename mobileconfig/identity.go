package mobileconfig

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"autoconfig/settings"
)

// identifier decides on a device whether a profile replaces another one or is
// added. It derives from the site and the mailbox alone: not from how the address
// was typed, nor from any setting that may change.
func identifier(s settings.Settings) string {
	labels := strings.Split(s.Mailbox.Domain(), ".")
	slices.Reverse(labels)
	short := base32.StdEncoding.EncodeToString(derive(s, "identifier")[:15])
	return strings.Join(labels, ".") + ".autoconfig." + strings.ToLower(short)
}

// uuid names a payload for ever (RFC 9562, version 8: the bits are ours). When a
// profile is replaced, payloads that keep identifier and UUID are updated.
func uuid(s settings.Settings, label string) string {
	u := derive(s, "uuid "+label)[:16]
	u[6] = u[6]&0x0F | 0x80
	u[8] = u[8]&0x3F | 0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
}

func derive(s settings.Settings, label string) []byte {
	mac := hmac.New(sha256.New, []byte(s.SiteID))
	mac.Write([]byte("autoconfig mobileconfig " + label + "\x00" + s.Mailbox.Key()))
	return mac.Sum(nil)
}
