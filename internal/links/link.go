package links

import (
	"context"
	"errors"
	"time"

	"autoconfig/settings"
)

// Errors about links. The pages have friendlier texts.
var (
	// ErrUnknown means that no link has this token or ID.
	ErrUnknown = errors.New("there is no such link")
	// ErrTaken means that a concurrent call has made the link of the same order.
	ErrTaken = errors.New("the link is there already")
	// ErrOther means that an idempotency key was used for another order.
	ErrOther = errors.New("the key was used for another order")
	// ErrSpent means that a link has no uses left, has expired or was revoked.
	ErrSpent = errors.New("the link no longer works")
)

// Link is a setup link. Only the hash of its token is kept.
type Link struct {
	// ID identifies the link for the help desk and integrations; it doesn't open the
	// link. Later links have greater IDs.
	ID string `json:"id"`
	// Address is the account's, as it will be typed, or a pseudonym after the person was
	// forgotten.
	Address string `json:"address"`
	// Domain is the primary domain, which decides who may see the link.
	Domain   string    `json:"domain"`
	Language string    `json:"language,omitempty"`
	Note     string    `json:"note,omitempty"`
	MadeBy   string    `json:"made_by"`
	MadeAt   time.Time `json:"made_at"`
	// ExpiresAt is when it ends; after a use, the page stays open for [Window] even then.
	ExpiresAt time.Time `json:"expires_at"`
	Uses      int       `json:"uses"`
	Used      int       `json:"used"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	RevokedBy string    `json:"revoked_by,omitempty"`
	// Ordered is a keyed digest of the order; "" for an order without idempotency key.
	Ordered string `json:"-"`
	// Again is set by Make if the order was for an existing link.
	Again bool `json:"-"`
}

// State is whether a link still works.
type State string

// The states.
const (
	Open    State = "open"
	Used    State = "used"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State is the link's state at a time.
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

// Kind is a kind of event.
type Kind string

// The kinds.
const (
	Opened   Kind = "opened"   // a GET, which uses nothing up
	Shown    Kind = "settings" // the page with the settings
	Download Kind = "profile"
)

// Event is something that happened to a link on one kind of device, once or several times.
type Event struct {
	Kind   Kind      `json:"kind"`
	Device Device    `json:"device"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Count  int       `json:"count"`
}

// Filter selects links, latest first.
type Filter struct {
	// Domains are the links' domains; nil for all.
	Domains []string
	// Address is the key of their address; "" for all.
	Address string
	// Text is part of their address or note, in any letter case; "" for all.
	Text string
	// State is their state at Now; "" for any.
	State State
	Now   time.Time
	// MadeAfter and MadeBefore bound when they were made; zero for no bound.
	MadeAfter, MadeBefore time.Time
	// Before is the identity of the last link of the page before.
	Before string
	// Limit is at most 1000.
	Limit int
}

// Store stores links. Links that don't exist are [ErrUnknown].
type Store interface {
	NoticeStore
	// PutLink returns [ErrTaken] if there is a link for the token.
	PutLink(ctx context.Context, hash []byte, key string, l Link) error
	LinkByHash(ctx context.Context, hash []byte) (Link, error)
	Link(ctx context.Context, id string) (Link, error)
	Links(ctx context.Context, f Filter) ([]Link, error)
	// UseLink counts a use, and reports whether one was left at now.
	UseLink(ctx context.Context, id string, now time.Time) (bool, error)
	// RevokeLink revokes a link, and reports whether it did; one that is revoked already stays unchanged.
	RevokeLink(ctx context.Context, id, by string, now time.Time) (bool, error)
	AddLinkEvent(ctx context.Context, id string, kind Kind, device Device, now time.Time) error
	LinkEvents(ctx context.Context, id string) ([]Event, error)
}

// Order describes a link to be made.
type Order struct {
	Address  settings.Address
	Domain   string // primary
	Language string
	Note     string
	By       string
	// Valid is how long it works, [MinValid] to [MaxValid]; 0 for [DefaultValid].
	Valid time.Duration
	// Uses is how often it works, 1 to [MaxUses]; 0 for once.
	Uses int
	// IdempotencyKey is the caller's: another order with the same key returns the same link
	// and token; "" for none. Request is the original request, in any form: another one
	// with the same key is [ErrOther].
	IdempotencyKey, Request string
}

// Bounds of an order.
const (
	DefaultValid = 24 * time.Hour
	MinValid     = time.Minute
	MaxValid     = 30 * 24 * time.Hour
	MaxUses      = 100
	MaxNote      = 200 // characters
)
