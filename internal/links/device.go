package links

import (
	"strings"

	"autoconfig/clients"
)

// Device is a kind of device, as far as a User-Agent reveals it.
type Device = clients.Device

// The devices. An iPad claims to be a Mac, so that people can choose.
const (
	IPhone  = clients.IPhone
	Mac     = clients.Mac
	Android = clients.Android
	Windows = clients.Windows
	Linux   = clients.Linux
	Other   = clients.Other
	// Preview is a program that previews or scans links in messages.
	Preview Device = "preview"
)

// Devices are the devices that a person can choose.
var Devices = []Device{IPhone, Mac, Android, Windows, Linux, Other}

// previews are words in the User-Agents of chat programs and link scanners.
var previews = []string{
	"bot", "crawler", "spider", "preview", "facebookexternalhit", "whatsapp", "slack-imgproxy",
	"skypeuripreview", "telegrambot", "discordbot", "safelinks", "barracuda", "proofpoint",
	"mimecast", "urldefense",
}

// families are words of User-Agents; the first match decides: Android's also says Linux, an
// iPhone's also Mac.
var families = []struct {
	word   string
	device Device
}{
	{"iphone", IPhone},
	{"ipad", IPhone},
	{"ipod", IPhone},
	{"android", Android},
	{"cros", Other},
	{"windows", Windows},
	{"macintosh", Mac},
	{"mac os", Mac},
	{"linux", Linux},
	{"x11", Linux},
}

// DeviceOf detects the device from a User-Agent.
func DeviceOf(userAgent string) Device {
	agent := strings.ToLower(userAgent)
	for _, word := range previews {
		if strings.Contains(agent, word) {
			return Preview
		}
	}
	for _, f := range families {
		if strings.Contains(agent, f.word) {
			return f.device
		}
	}
	return Other
}

// ParseDevice parses a person's choice of a device; unknown words are [Other].
func ParseDevice(text string) Device {
	for _, d := range Devices {
		if string(d) == text {
			return d
		}
	}
	return Other
}
