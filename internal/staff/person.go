package staff

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Errors of signing in and acting.
var (
	ErrUnknown   = errors.New("there is no such person, token or session")
	ErrSignIn    = errors.New("the sign-in is refused")
	ErrBusy      = errors.New("too many sign-ins at once")
	ErrForbidden = errors.New("not permitted")
	ErrExists    = errors.New("there is a person of that name already")
	// ErrPerson is what a person can't be added from; the error's text says what it is.
	ErrPerson = errors.New("a person can't be added so")
)

// unfit is why a person can't be added as asked.
type unfit string

func (u unfit) Error() string { return string(u) }

func (u unfit) Is(target error) bool { return target == ErrPerson }

// Role is what a person may do.
type Role string

// The roles.
const (
	Staff Role = "staff" // searches accounts, makes and withdraws links
	Admin Role = "admin" // also people and the audit log
)

// Everywhere stands in a list of domains for all of them.
const Everywhere = "*"

// Person is somebody of the help desk. A person is an issuer and a subject; local
// people have no issuer, and their name is the subject.
type Person struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Role    Role     `json:"role"`
	Domains []string `json:"domains"` // primary names, or Everywhere
	Issuer  string   `json:"issuer,omitempty"`
	Subject string   `json:"subject"`
	// Password is an argon2id hash.
	Password string `json:"-"`
	// TOTPKey is the key of the second factor, encrypted; none before enrolment.
	TOTPKey []byte `json:"-"`
	// LastTOTPStep is the last time step whose code was used: a code works once.
	LastTOTPStep int64     `json:"-"`
	Failures     int       `json:"-"`
	LockedUntil  time.Time `json:"locked_until,omitzero"`
	MadeAt       time.Time `json:"made_at"`
}

// Actor is who does something: a person, a program with a token, or whoever has
// the command line.
type Actor struct {
	Name string // as the audit log has it: "staff:eva", "token:panel", "command line"
	// ID is the person's or the token's: names aren't unique. Issuer is the identity
	// provider that vouches for the person; "" for a local one.
	ID, Issuer string
	Admin      bool
	Domains    []string
	Scopes     []string // of a token; people have none
}

// Actor is the person as one who acts.
func (p Person) Actor() Actor {
	return Actor{Name: "staff:" + p.Name, ID: p.ID, Issuer: p.Issuer, Admin: p.Role == Admin, Domains: p.Domains}
}

// Serves tells whether the actor may act for a domain.
func (a Actor) Serves(domain string) bool {
	return slices.Contains(a.Domains, Everywhere) || slices.Contains(a.Domains, domain)
}

// Bounds are the domains that bound what the actor sees; nil for all.
func (a Actor) Bounds() []string {
	if slices.Contains(a.Domains, Everywhere) {
		return nil
	}
	return append([]string{}, a.Domains...)
}

// Session is a person signed in at a browser. Its token isn't kept, only the
// token's hash.
type Session struct {
	Person string
	MadeAt time.Time
	SeenAt time.Time
	// Enrolling means that the second factor is still to be set up.
	Enrolling bool
}

// Entry is one line of the audit log.
type Entry struct {
	ID      int64     `json:"-"` // outside it is [Desk.EntryMark]
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	ActorID string    `json:"actor_id,omitempty"` // see [Actor]; none in entries of older versions
	Issuer  string    `json:"actor_issuer,omitempty"`
	Action  string    `json:"action"`
	Subject string    `json:"subject,omitempty"` // an address, a person, a domain
	Domain  string    `json:"domain,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// EntryFilter says which entries are listed, latest first.
type EntryFilter struct {
	Domains []string // nil for all
	Before  int64    // the identity of the last entry of the page before; 0 for the latest
	Limit   int

	// What the entries must have; zero values for anything. Actor is a name as the log has
	// it, or without its "staff:" or "token:". About is a subject, in any letter case of an
	// address's domain, or a domain. Since is inclusive, Until isn't.
	Actor, Action, About string
	Since, Until         time.Time
}

// Store keeps people, sessions, tokens and the log. What isn't there is
// [ErrUnknown].
type Store interface {
	Journal

	AddPerson(ctx context.Context, p Person) error
	// LockPerson is Person for whoever changes what it gives: until the end of the
	// context's transaction nobody else does.
	LockPerson(ctx context.Context, id string) (Person, error)
	// ChangePerson changes somebody who is there: whoever was removed meanwhile stays
	// removed.
	ChangePerson(ctx context.Context, p Person) error
	// CountFailure counts a failed sign-in, and locks the person until a time at the
	// most-th in a row.
	CountFailure(ctx context.Context, id string, most int, until time.Time) error
	// ForgiveFailures ends the count.
	ForgiveFailures(ctx context.Context, id string) error
	Person(ctx context.Context, id string) (Person, error)
	PersonBySubject(ctx context.Context, issuer, subject string) (Person, error)
	People(ctx context.Context) ([]Person, error)
	// RemovePerson ends the person's sessions too.
	RemovePerson(ctx context.Context, id string) error
	// UseStep takes a time step of the second factor, and tells whether it was later
	// than the last one: of two sign-ins with one code, one wins.
	UseStep(ctx context.Context, id string, step int64) (bool, error)

	PutSession(ctx context.Context, hash []byte, s Session) error
	// RenewSession notes that a session was used; one that has ended stays so, and is
	// [ErrUnknown].
	RenewSession(ctx context.Context, hash []byte, seen time.Time) error
	Session(ctx context.Context, hash []byte) (Session, error)
	RemoveSession(ctx context.Context, hash []byte) error
	RemoveSessions(ctx context.Context, person string) error

	PutToken(ctx context.Context, hash []byte, t Token) error
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
	Tokens(ctx context.Context) ([]Token, error)
	RemoveToken(ctx context.Context, id string) error

	Entries(ctx context.Context, f EntryFilter) ([]Entry, error)
}

// Journal writes down what was done.
type Journal interface {
	// Together makes everything that f does with its context one: it happens or nothing
	// does. f may be run again.
	Together(ctx context.Context, f func(ctx context.Context) error) error
	AddEntry(ctx context.Context, e Entry) error
}
