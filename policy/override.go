package policy

import (
	"fmt"
	"time"

	"autoconfig/settings"
)

// Override is what our own database keeps for an account of a source. It replaces what the source says.
type Override struct {
	Address   settings.Address  `yaml:"address" json:"address" doc:"the mailbox's primary address, of an account that another source has"`
	Protocol  settings.Protocol `yaml:"protocol,omitempty" json:"protocol,omitempty" doc:"imap or pop3; without it what the source says"`
	Devices   Devices           `yaml:"devices,omitempty" json:"devices,omitempty" doc:"one or several; without it what the source says"`
	Note      string            `yaml:"note,omitempty" json:"note,omitempty" doc:"why, for those who come after"`
	ChangedBy string            `yaml:"changed_by,omitempty" json:"changed_by,omitempty" doc:"who changed it last"`
	ChangedAt time.Time         `yaml:"changed_at,omitempty" json:"changed_at,omitzero" doc:"when"`
	// GoneAt is since when no source has known the account; zero if one does.
	GoneAt time.Time `yaml:"-" json:"gone_at,omitzero"`
}

// IsZero reports whether nothing is overridden or noted.
func (o Override) IsZero() bool { return o.Protocol == "" && o.Devices == "" && o.Note == "" }

// Over returns the account with the override's values instead of the source's.
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
	c.override(o, "")
	return c.problems
}

func (c *checker) override(o Override, path string) {
	if o.Address.IsZero() {
		c.add(path+"address", "an override needs an address")
	}
	c.incoming(o.Protocol, path+"protocol")
	c.devices(o.Devices, path+"devices")
	if err := settings.CheckText(o.Note); err != nil {
		c.add(path+"note", "%v", err)
	} else if len(o.Note) > MaxNote {
		c.add(path+"note", "a note has at most %d bytes", MaxNote)
	}
}

// overrides checks the overrides of a site.
func (c *checker) overrides(all []Override) {
	seen := map[string]bool{}
	for i, o := range all {
		path := fmt.Sprintf("overrides[%d]", i)
		c.override(o, path+".")
		primary, ours := c.names[o.Address.Domain()]
		if ours && primary != o.Address.Domain() { // no account has this as its primary address
			c.add(path+".address", "%s is an alias of %s: write %s", o.Address.Domain(), primary, o.Address.WithDomain(primary))
		}
		switch key := o.Address.Key(); {
		case o.Address.IsZero(): // reported already
		case seen[key]:
			c.add(path+".address", "there is already an override of %s", o.Address)
		case o.IsZero():
			c.add(path, "an override needs a protocol, devices or a note")
		default:
			seen[key] = true
		}
	}
}

// MaxNote is the longest note of an override, in bytes.
const MaxNote = 500
