package policy

import (
	"time"

	"autoconfig/settings"
)

// Override is what our own store keeps for an account whose source is read-only.
// It is laid over what the source says.
type Override struct {
	Address   settings.Address  `json:"address"`            // the mailbox's primary one
	Protocol  settings.Protocol `json:"protocol,omitempty"` // set by hand; "" leaves the source's
	Devices   Devices           `json:"devices,omitempty"`  // "" leaves the source's
	Note      string            `json:"note,omitempty"`     // why, for those who come after
	ChangedBy string            `json:"changed_by,omitempty"`
	ChangedAt time.Time         `json:"changed_at,omitzero"`
	// GoneAt is since when no source has known the account; zero while one does.
	GoneAt time.Time `json:"gone_at,omitzero"`
}

// IsZero tells whether nothing is overridden or noted.
func (o Override) IsZero() bool { return o.Protocol == "" && o.Devices == "" && o.Note == "" }

// Over lays the override over what the source says of the account.
func (o Override) Over(a Account) Account {
	if o.Protocol != "" {
		a.Protocol = o.Protocol
	}
	if o.Devices != "" {
		a.Devices = o.Devices
	}
	return a
}

// Check lists what is wrong with an override.
func (o Override) Check() settings.Problems {
	var c checker
	if o.Address.IsZero() {
		c.add("address", "an override needs an address")
	}
	c.incoming(o.Protocol, "protocol")
	c.devices(o.Devices, "devices")
	if err := settings.CheckText(o.Note); err != nil {
		c.add("note", "%v", err)
	} else if len(o.Note) > MaxNote {
		c.add("note", "a note has at most %d bytes", MaxNote)
	}
	return c.problems
}

// MaxNote is the longest note of an override, in bytes.
const MaxNote = 500
