package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// Account is an address and what is known about it.
type Account struct {
	Address settings.Address `yaml:"address" json:"address" doc:"the mailbox's primary address"`
	Name    string           `yaml:"name,omitempty" json:"name,omitempty" doc:"the person's name; never in public answers"`
	// Login is the name at the servers, unless it is made from the address.
	Login    string            `yaml:"login,omitempty" json:"login,omitempty" doc:"name at the servers, where the username pattern doesn't give it"`
	Devices  Devices           `yaml:"devices,omitempty" json:"devices,omitempty" doc:"on how many devices the mailbox is read: one or several"`
	Quota    Bytes             `yaml:"quota,omitempty" json:"quota,omitempty" doc:"size of the mailbox, such as 500MB"`
	Groups   []string          `yaml:"groups,omitempty,flow" json:"groups,omitempty" doc:"words that rules can match"`
	Protocol settings.Protocol `yaml:"protocol,omitempty" json:"protocol,omitempty" doc:"imap or pop3 set by hand; outranks all rules"`
	// Addresses are other addresses of the same mailbox.
	Addresses []settings.Address `yaml:"addresses,omitempty" json:"addresses,omitempty" doc:"other addresses of the same mailbox"`
}

// Devices says on how many devices a mailbox is read; "" if that isn't known.
type Devices string

// The known values.
const (
	OneDevice      Devices = "one"
	SeveralDevices Devices = "several"
)

// Bytes is a size; 0 if it isn't known. It is written with a decimal unit (500MB, with 10^6 bytes per MB)
// or a binary one (500MiB).
type Bytes int64

var byteUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"B", 1},
	{"", 1},
}

// ParseBytes parses a size: a number, optionally with a fraction, and a unit in any letter case.
func ParseBytes(text string) (Bytes, error) {
	fail := fmt.Errorf("%q is not a size: write a number and a unit, such as 500MB or 2GB", text)
	for _, unit := range byteUnits {
		if len(text) < len(unit.name) || !strings.EqualFold(text[len(text)-len(unit.name):], unit.name) {
			continue
		}
		number := strings.TrimSpace(text[:len(text)-len(unit.name)])
		if whole, err := strconv.ParseInt(number, 10, 64); err == nil {
			if whole < 0 || whole > math.MaxInt64/unit.size {
				return 0, fail
			}
			return Bytes(whole * unit.size), nil
		}
		value, err := strconv.ParseFloat(number, 64)
		if strings.ContainsAny(number, "eExXpPnN_") || err != nil || value < 0 || value*float64(unit.size) >= math.MaxInt64 {
			return 0, fail
		}
		return Bytes(math.Round(value * float64(unit.size))), nil
	}
	return 0, fail
}

// String formats the size exactly, with the largest decimal or else binary unit.
func (b Bytes) String() string {
	for _, unit := range []int{4, 5, 6, 7, 0, 1, 2, 3} {
		if size := byteUnits[unit].size; b != 0 && int64(b)%size == 0 {
			return strconv.FormatInt(int64(b)/size, 10) + byteUnits[unit].name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// MarshalText formats the size for [ParseBytes].
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is like [ParseBytes].
func (b *Bytes) UnmarshalText(text []byte) error {
	parsed, err := ParseBytes(string(text))
	if err == nil {
		*b = parsed
	}
	return err
}
