package staff

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// DeviceLife is how long a browser stays known after a sign-in.
const DeviceLife = 180 * 24 * time.Hour

// NewDevice returns a token for a browser that has signed in under a name. Its failures are counted
// apart from those of others, who could otherwise lock out a person whose name they know (OWASP,
// "Slow Down Online Guessing Attacks with Device Cookies"). The token grants nothing, and doesn't
// reveal the name.
func (d *Desk) NewDevice(name string) string {
	text := newSecret() + "." + strconv.FormatInt(d.now().Add(DeviceLife).Unix(), 10)
	return text + "." + d.deviceMAC(text, name)
}

// Device returns the identity of a browser that has signed in under this name before, or "". It takes
// as long for an unknown name.
func (d *Desk) Device(kept, name string) string {
	at := strings.LastIndexByte(kept, '.')
	if at < 0 {
		return ""
	}
	text := kept[:at]
	mac := kept[at+1:]
	if !hmac.Equal([]byte(mac), []byte(d.deviceMAC(text, name))) {
		return ""
	}
	id, end, _ := strings.Cut(text, ".")
	if until, err := strconv.ParseInt(end, 10, 64); err != nil || d.now().Unix() >= until {
		return ""
	}
	return id
}

func (d *Desk) deviceMAC(text, name string) string {
	mac := hmac.New(sha256.New, d.devices)
	mac.Write([]byte(text + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
