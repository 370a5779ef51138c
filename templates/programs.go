package templates

import "autoconfig/settings"

// Program is what a person can do with one mail program on a device.
type Program struct {
	Name string
	// Key begins the keys of its messages: program.KEY.steps and .keep.
	Key string
	// Profile: an Apple profile sets it up. AndroidQR: it imports the QR code.
	Profile, AndroidQR bool
	// ByHand: it can't find these settings, since it doesn't say for whom it asks.
	ByHand bool
	// Misled: what it finds by itself is the domain's default, which differs.
	Misled bool
	// IMAPOnly: it can't have this account at all.
	IMAPOnly bool
	// Keeps: what it says of copies on the server matters, with POP3.
	Keeps bool
}

// known is a program with what we know of it (docs/divergences.md, and the
// reference of clients).
type known struct {
	name, key string
	devices   []string
	profile   bool
	androidQR bool
	// anonymous programs ask without an address, and get the domain's default.
	anonymous bool
	// finds nothing for POP3 accounts
	imapFinder bool
	imapOnly   bool
}

var programs = []known{
	{name: "Apple Mail (iPhone, iPad)", key: "apple_ios", devices: []string{"iphone"}, profile: true},
	{name: "Apple Mail (Mac)", key: "apple_mac", devices: []string{"mac"}, profile: true},
	{name: "Thunderbird", key: "thunderbird", devices: []string{"windows", "mac", "linux", "other"}},
	{name: "Evolution", key: "evolution", devices: []string{"linux"}},
	{name: "KMail", key: "kmail", devices: []string{"linux"}, anonymous: true},
	{name: "Outlook (classic)", key: "outlook_classic", devices: []string{"windows"}},
	{name: "Outlook (new)", key: "outlook_new", devices: []string{"windows", "mac"}},
	{name: "Thunderbird for Android", key: "thunderbird_android", devices: []string{"android"}, anonymous: true, androidQR: true},
	{name: "K-9 Mail", key: "k9", devices: []string{"android"}, anonymous: true},
	{name: "Gmail", key: "gmail", devices: []string{"android"}},
	{name: "FairEmail", key: "fairemail", devices: []string{"android"}, imapFinder: true},
	{name: "Delta Chat", key: "deltachat", devices: []string{"android", "iphone", "windows", "mac", "linux"}, anonymous: true, imapOnly: true},
}

// Programs are those of a device, for an account's settings; byDefault is what a
// program gets that doesn't say for whom it asks.
func Programs(device string, s settings.Settings, byDefault settings.Settings) []Program {
	var all []Program
	for _, k := range programs {
		for _, d := range k.devices {
			if d == device {
				all = append(all, k.with(s, byDefault))
			}
		}
	}
	return all
}

func (k known) with(s, byDefault settings.Settings) Program {
	pop3 := s.Decision.Protocol == settings.POP3
	p := Program{Name: k.name, Key: k.key, Profile: k.profile, AndroidQR: k.androidQR, IMAPOnly: k.imapOnly && pop3}
	misled := k.anonymous && (s.Decision.Protocol != byDefault.Decision.Protocol || s.Incoming.Host != byDefault.Incoming.Host || s.IncomingLogin.Pattern == "")
	p.Misled = misled && !p.IMAPOnly
	p.ByHand = !p.IMAPOnly && (misled || k.imapFinder && pop3)
	p.Keeps = pop3 && !p.IMAPOnly && k.key != "deltachat"
	return p
}
