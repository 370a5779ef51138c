package links

import (
	"context"
	"errors"
	"time"

	"autoconfig/settings"
)

// Errors of a link. What a person is told of them is kinder.
var (
	// ErrUnknown means that no link has this token or identity.
	ErrUnknown = errors.New("there is no such link")
	// ErrTaken means that somebody else has just made the link of the same order.
	ErrTaken = errors.New("the link is there already")
	// ErrOther means that the word of an order was used for another one.
	ErrOther = errors.New("the key was used for another order")
	// ErrSpent means that a link was used as often as it may be, has expired, or
	// was withdrawn.
	ErrSpent = errors.New("the link no longer works")
)

// Link is a setup link. Its token isn't kept, only the token's hash.
type Link struct {
	// ID names the link for staff and programs; whoever knows it can't open the
	// link. Later links have greater ones.
	ID string `json:"id"`
	// Address is the account's, as it will be typed. A pseudonym stands in its place
	// once the person is forgotten.
	Address string `json:"address"`
	// Domain is the primary domain: it decides who may see the link.
	Domain   string    `json:"domain"`
	Language string    `json:"language,omitempty"`
	Note     string    `json:"note,omitempty"`
	MadeBy   string    `json:"made_by"`
	MadeAt   time.Time `json:"made_at"`
	// ExpiresAt ends it; a use opens the page for [Window] even then.
	ExpiresAt time.Time `json:"expires_at"`
	Uses      int       `json:"uses"`
	Used      int       `json:"used"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	RevokedBy string    `json:"revoked_by,omitempty"`
	// Ordered is a keyed digest of what was ordered; "" where there was no word for it.
	Ordered string `json:"-"`
	// Again says that an order gave the link that was made for it before.
	Again bool `json:"-"`
}

// State is what a link can still do.
type State string

// The states.
const (
	Open    State = "open"
	Used    State = "used"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State tells what the link can do at a time.
func (l Link) State(now time.Time) State {
	switch {
	case !l.RevokedAt.IsZero():
		return Revoked
	case l.Used >= l.Uses:
		return Used
	case !now.Before(l.ExpiresAt):
		return Expired
	}
	return Open
}

// Kind is what happened to a link.
type Kind string

// The kinds of events.
const (
	Opened   Kind = "opened"   // a GET, which uses nothing up
	Shown    Kind = "settings" // the page with the settings
	Download Kind = "profile"
)

// Event is something that happened, once or several times, on one kind of device.
type Event struct {
	Kind   Kind      `json:"kind"`
	Device Device    `json:"device"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Count  int       `json:"count"`
}

// Filter says which links are listed, latest first.
type Filter struct {
	// Domains are those whose links are listed; nil for all.
	Domains []string
	// Address is the key of an address; "" for all.
	Address string
	// Text is somewhere in their address or their note, in any letter case; "" for all.
	Text string
	// State is theirs at Now; "" for any.
	State State
	Now   time.Time
	// MadeAfter and MadeBefore bound when they were made; zero for no bound.
	MadeAfter, MadeBefore time.Time
	// Before is the identity of the last link of the page before.
	Before string
	// Limit is at most 1000.
	Limit int
}

// Store keeps links. Links that aren't there are [ErrUnknown].
type Store interface {
	// PutLink is [ErrTaken] for a token that has a link.
	PutLink(ctx context.Context, hash []byte, key string, l Link) error
	LinkByHash(ctx context.Context, hash []byte) (Link, error)
	Link(ctx context.Context, id string) (Link, error)
	Links(ctx context.Context, f Filter) ([]Link, error)
	// UseLink counts one use, and tells whether there was one left at now.
	UseLink(ctx context.Context, id string, now time.Time) (bool, error)
	// RevokeLink withdraws a link; one that is withdrawn already stays as it is.
	RevokeLink(ctx context.Context, id, by string, now time.Time) error
	AddLinkEvent(ctx context.Context, id string, kind Kind, device Device, now time.Time) error
	LinkEvents(ctx context.Context, id string) ([]Event, error)
}

// Order is a link to be made.
type Order struct {
	Address  settings.Address
	Domain   string // primary
	Language string
	Note     string
	By       string
	// Valid is how long it works, [MinValid] to [MaxValid]; 0 for [DefaultValid].
	Valid time.Duration
	// Uses is how often, 1 to [MaxUses]; 0 for once.
	Uses int
	// Once makes two orders with the same word one: the second gives the first's
	// link and token. "" makes a new one each time. Asked is what was asked for, in any
	// form: another one with the same word is [ErrOther].
	Once, Asked string
}

// Bounds of an order.
const (
	DefaultValid = 24 * time.Hour
	MinValid     = time.Minute
	MaxValid     = 30 * 24 * time.Hour
	MaxUses      = 100
	MaxNote      = 200 // characters
)
