// Package clients knows the mail programs: what each one asks, what it can set up by itself, and what it
// makes of an account's settings. Everything that names a program takes it from here.
package clients

import (
	"slices"
	"strings"

	"autoconfig/settings"
)

// Client describes a mail program. Each fact has its source.
type Client struct {
	// ID is part of message keys (program.ID.steps). It never changes.
	ID string
	// Name is what people read, in every output.
	Name string
	// Simulation is its name for `simulate`; "" if its way isn't known well enough. Programs
	// that go the same way share one.
	Simulation string
	// Shown is set if pages have instructions for it.
	Shown   bool
	Devices []Device
	Lookup  Lookup
	// IMAP and POP3 say how it gets an account of that protocol.
	IMAP, POP3 Ability
	// Profile: it installs Apple's profile. QRCode: it scans the code of Thunderbird for
	// Android. Retention: it uses the retention of POP3.
	Profile, QRCode, Retention Trait
	// ChangesNumbers: its readers change texts that look like numbers, so that it must not
	// be told such a login (Autodiscover recognises it by its User-Agent). OnlyASCII: it
	// can't look up a domain that is typed with other letters.
	ChangesNumbers, OnlyASCII bool
	// Ignores are parts of formats that it ignores.
	Ignores []Remark
}

// Device is a kind of device that a program runs on.
type Device string

// The devices.
const (
	IPhone  Device = "iphone" // and iPad
	Mac     Device = "mac"
	Android Device = "android"
	Windows Device = "windows"
	Linux   Device = "linux"
	Other   Device = "other"
)

// Lookup is where a program looks for settings.
type Lookup struct {
	// Places are in the program's order.
	Places []Place
	Sends  Sends
	// SRVFirst: the domain's SRV records take precedence over an answer with the address as
	// login.
	SRVFirst bool
	// TriesLogins: it has one login for both servers, and if that is refused, tries the
	// address and its local part. SRVFirst also applies to an answer with the local part as
	// login.
	TriesLogins bool
	Source      Source
}

// Place is a place to look: a URL, with D for the domain and MX for a name from the MX record, a DNS record,
// or a few words.
type Place string

// The places.
const (
	BuiltIn             Place = "its own list of providers"
	Cloud               Place = "its maker's cloud"
	ActiveDirectory     Place = "registry and Active Directory"
	AutoconfigHTTPS     Place = "https://autoconfig.D/mail/config-v1.1.xml"
	AutoconfigHTTP      Place = "http://autoconfig.D/mail/config-v1.1.xml"
	WellKnownHTTPS      Place = "https://D/.well-known/autoconfig/mail/config-v1.1.xml"
	WellKnownHTTP       Place = "http://D/.well-known/autoconfig/mail/config-v1.1.xml"
	AutoconfigMX        Place = "https://autoconfig.MX/mail/config-v1.1.xml"
	WellKnownMX         Place = "https://MX/.well-known/autoconfig/mail/config-v1.1.xml"
	AutoconfigMXHTTP    Place = "http://autoconfig.MX/mail/config-v1.1.xml"
	WellKnownMXHTTP     Place = "http://MX/.well-known/autoconfig/mail/config-v1.1.xml"
	DesktopDatabase     Place = "https://live.thunderbird.net/autoconfig/v1.1/D"
	DesktopDatabaseMX   Place = "https://live.thunderbird.net/autoconfig/v1.1/MX"
	Database            Place = "https://autoconfig.thunderbird.net/v1.1/D"
	DatabaseMX          Place = "https://autoconfig.thunderbird.net/v1.1/MX"
	DomainPOX           Place = "https://D/autodiscover/autodiscover.xml"
	AutodiscoverPOX     Place = "https://autodiscover.D/autodiscover/autodiscover.xml"
	AutodiscoverPOXHTTP Place = "http://autodiscover.D/autodiscover/autodiscover.xml"
	AutodiscoverSRV     Place = "SRV _autodiscover._tcp.D"
	IMAPSRV             Place = "SRV _imaps._tcp.D and _imap._tcp.D"
	POP3SRV             Place = "SRV _pop3s._tcp.D and _pop3._tcp.D"
	SubmissionSRV       Place = "SRV _submissions._tcp.D and _submission._tcp.D"
	Guesses             Place = "usual names, such as imap.D"
	MailExchanger       Place = "MX D"
)

// Sends is what a program sends about the person whose settings it requests.
type Sends string

// What programs send.
const (
	Nothing   Sends = "nothing" // it asks the domain nothing
	NoAddress Sends = "no address"
	Address   Sends = "the address"
	Digest    Sends = "a digest of the address"
)

// Ability is how a program gets an account of a protocol.
type Ability struct {
	How    How
	Source Source
}

// How is a way to get an account.
type How string

// The ways.
const (
	ByItself  How = "by itself"
	ByProfile How = "by a profile"
	ByHand    How = "by hand"
	Never     How = "no"
)

// Trait is a property that a program has or doesn't have.
type Trait struct {
	Has    bool
	Source Source
}

// Remark is a fact in words.
type Remark struct {
	Text   string
	Source Source
}

// Source is the source of a fact.
type Source struct {
	// At is a URL, or the program's source: repository, commit, file.
	At   string
	Sure Certainty
}

// Certainty is how sure a fact is.
type Certainty string

// The certainties, the surest first.
const (
	Seen       Certainty = "seen in the running program"
	Read       Certainty = "read in its source"
	Documented Certainty = "documented by its maker"
	Reported   Certainty = "reported by others"
	Unverified Certainty = "not verified"
)

// All returns the programs, in the order in which they are shown.
func All() []Client { return slices.Clone(table) }

// Simulations returns the names for `simulate`, in the order of the table.
func Simulations() []string {
	var words []string
	for _, c := range table {
		if c.Simulation != "" && !slices.Contains(words, c.Simulation) {
			words = append(words, c.Simulation)
		}
	}
	return words
}

// NameOf lists the programs of a simulation, for a sentence.
func NameOf(simulation string) string {
	return Names(func(c Client) bool { return c.Simulation == simulation })
}

// Names lists the names of the programs for which is holds, for a sentence.
func Names(is func(Client) bool) string {
	var names []string
	for _, c := range table {
		if is(c) {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// SendsNoAddress reports whether a program asks without an address.
func SendsNoAddress(c Client) bool { return c.Lookup.Sends == NoAddress && c.finds(settings.IMAP) }

// BelievesSRV reports whether SRV records take precedence over the answer to an address.
func BelievesSRV(c Client) bool { return c.Lookup.SRVFirst }

// Ability returns how the program gets an account of a protocol.
func (c Client) Ability(p settings.Protocol) Ability {
	if p == settings.POP3 {
		return c.POP3
	}
	return c.IMAP
}

// finds reports whether it sets up a protocol by itself.
func (c Client) finds(p settings.Protocol) bool { return c.Ability(p).How == ByItself }
