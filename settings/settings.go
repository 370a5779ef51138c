package settings

import "time"

// Settings are all that a renderer needs for one address, or for a domain's
// default. Renderers are pure: the same Settings give the same bytes.
type Settings struct {
	// SiteID is the site's random identity; identifiers that must stay the same
	// for ever (Apple's) derive from it and the mailbox.
	SiteID string
	// Domain is the domain that was asked for: the primary one or an alias.
	Domain string
	// Typed is the address as the person typed it; zero in a domain's default.
	Typed Address
	// Respelled says that the program has the typed address in another spelling (letter
	// case of the domain, blanks, Unicode), which it would put in the place of a placeholder.
	Respelled bool
	// StandIn says that Typed is Evolution's stand-in for the address of an account that
	// it named by a digest.
	StandIn bool
	// Mailbox is the account's primary address; zero in a domain's default.
	Mailbox Address
	// DisplayName is the person's name. It is empty in everything that anybody
	// may ask for, and set only behind a setup link or for staff.
	DisplayName string

	Provider Provider
	Decision Decision
	// Incoming and Outgoing are the one server of each that all formats name.
	Incoming, Outgoing           Server
	IncomingLogin, OutgoingLogin Login
	// ServiceLogin is the login at everything beside mail: by the domain's pattern,
	// whatever a mail server has of its own.
	ServiceLogin Login
	Services     Services
	Profile      Profile
	// Description is what an Apple profile says of itself, in the person's language;
	// "" for an English text.
	Description string
}

// Profile holds what only Apple's configuration profiles can say.
type Profile struct {
	// Expires is when a device marks the profile as no longer valid and offers an
	// update; zero for never.
	Expires time.Time `yaml:"expires,omitzero" json:"expires,omitzero" doc:"date after which devices mark the profile as outdated"`
	// Consent is shown before installation and must be accepted: text by BCP 47
	// language, or "default".
	Consent map[string]string `yaml:"consent,omitempty" json:"consent,omitempty" doc:"text that must be accepted, by language (or default)"`
}

// IsZero tells whether nothing is set.
func (p Profile) IsZero() bool { return p.Expires.IsZero() && len(p.Consent) == 0 }
