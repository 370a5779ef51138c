// Package clients knows the mail programs: what each of them asks, what it can set
// up by itself, and what it makes of an account's settings. Every other place that
// names a program takes it from here.
package clients

import (
	"slices"
	"strings"

	"autoconfig/settings"
)

// Client is what is known of one mail program. Each fact has its source.
type Client struct {
	// ID is its word in the keys of messages (program.ID.steps). It never changes.
	ID string
	// Name is what people read, in every output.
	Name string
	// Simulation is its word for `simulate`; "" where its way isn't known well enough.
	// Programs that go the same way share one.
	Simulation string
	// Shown tells whether pages have instructions for it.
	Shown   bool
	Devices []Device
	Lookup  Lookup
	// IMAP and POP3 are how an account of that protocol comes into being.
	IMAP, POP3 Ability
	// Profile: it takes Apple's profile. QRCode: it scans the code of Thunderbird for
	// Android. Retention: it heeds how long POP3 leaves mail on the server.
	Profile, QRCode, Retention Trait
	// ChangesNumbers: its readers make other texts of texts like numbers, so that it isn't
	// told such a login (Autodiscover knows it by its User-Agent). OnlyASCII: it asks
	// nothing for a domain that is typed in other letters.
	ChangesNumbers, OnlyASCII bool
	// Ignores are what it passes over, although a format can say it.
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
	// Places are in its order.
	Places []Place
	Sends  Sends
	// SRVFirst: the domain's SRV records count more than an answer that leaves the
	// login to be the address.
	SRVFirst bool
	// TriesLogins: it has one login for both servers, and where that is refused it tries
	// the address and its local part. A login that is the local part leaves SRV first.
	TriesLogins bool
	Source      Source
}

// Place is somewhere to look: a URL where D is the domain and MX a name that the
// MX record leads to, a DNS record, or a few words.
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

// Sends is what a program tells about the person whose settings it asks for.
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

// How an account comes into being.
type How string

// The ways.
const (
	ByItself  How = "by itself"
	ByProfile How = "by a profile"
	ByHand    How = "by hand"
	Never     How = "no"
)

// Trait is something that a program has or hasn't.
type Trait struct {
	Has    bool
	Source Source
}

// Remark is something in words.
type Remark struct {
	Text   string
	Source Source
}

// Source is where a fact comes from.
type Source struct {
	// At is a URL, or the program's source: repository, commit, file.
	At   string
	Sure Certainty
}

// Certainty is how sure a fact is.
type Certainty string

// From the surest to the least sure.
const (
	Seen       Certainty = "seen in the running program"
	Read       Certainty = "read in its source"
	Documented Certainty = "documented by its maker"
	Reported   Certainty = "reported by others"
	Unverified Certainty = "not verified"
)

// All are the programs, in the order in which they are shown.
func All() []Client { return slices.Clone(table) }

// Simulations are the words for `simulate`, in the order of the table.
func Simulations() []string {
	var words []string
	for _, c := range table {
		if c.Simulation != "" && !slices.Contains(words, c.Simulation) {
			words = append(words, c.Simulation)
		}
	}
	return words
}

// NameOf are the programs that go the way of a simulation, as a sentence lists them.
func NameOf(simulation string) string {
	return Names(func(c Client) bool { return c.Simulation == simulation })
}

// Names are those of the programs for which is holds, as a sentence lists them.
func Names(is func(Client) bool) string {
	var names []string
	for _, c := range table {
		if is(c) {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// SendsNoAddress holds for programs that ask without saying for whom.
func SendsNoAddress(c Client) bool { return c.Lookup.Sends == NoAddress && c.finds(settings.IMAP) }

// BelievesSRV holds for programs to which SRV records count more than what they are
// told of an address.
func BelievesSRV(c Client) bool { return c.Lookup.SRVFirst }

// Ability is how the program gets an account of a protocol.
func (c Client) Ability(p settings.Protocol) Ability {
	if p == settings.POP3 {
		return c.POP3
	}
	return c.IMAP
}

// finds tells whether it sets up a protocol from what it asks.
func (c Client) finds(p settings.Protocol) bool { return c.Ability(p).How == ByItself }
