package staff

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Errors of signing in and of changes.
var (
	ErrUnknown   = errors.New("there is no such person, token or session")
	ErrSignIn    = errors.New("the sign-in is refused")
	ErrBusy      = errors.New("too many sign-ins at once")
	ErrForbidden = errors.New("not permitted")
	ErrExists    = errors.New("there is a person of that name already")
	// ErrPerson means that a person can't be added; the error's text says why.
	ErrPerson = errors.New("this person can't be added")
)

// unfit is the reason why a person can't be added.
type unfit string

func (u unfit) Error() string { return string(u) }

func (u unfit) Is(target error) bool { return target == ErrPerson }

// Role is a person's role.
type Role string

// The roles.
const (
	Staff Role = "staff" // searches accounts, makes and revokes links
	Admin Role = "admin" // also manages people and reads the audit log
)

// Everywhere means all domains in a list of domains.
const Everywhere = "*"

// Person is a person of the help desk, identified by issuer and subject. Local people have no issuer,
// and their name is the subject.
type Person struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Role    Role     `json:"role"`
	Domains []string `json:"domains"` // primary names, or Everywhere
	Issuer  string   `json:"issuer,omitempty"`
	Subject string   `json:"subject"`
	// Password is an argon2id hash.
	Password string `json:"-"`
	// TOTPKey is the encrypted key of the second factor; nil before enrolment.
	TOTPKey []byte `json:"-"`
	// LastTOTPStep is the last time step of a used code, as a code works once.
	LastTOTPStep int64     `json:"-"`
	Failures     int       `json:"-"`
	LockedUntil  time.Time `json:"locked_until,omitzero"`
	MadeAt       time.Time `json:"made_at"`
}

// Actor is who makes a change: a person, an integration with a token, or the command line.
type Actor struct {
	Name string // in the audit log: "staff:eva", "token:panel", "command line"
	// ID is the person's or the token's, as names aren't unique. Issuer is the person's
	// identity provider; "" for a local person.
	ID, Issuer string
	Admin      bool
	Domains    []string
	Scopes     []string // of a token; people have none
}

// Actor returns the person as an actor.
func (p Person) Actor() Actor {
	return Actor{Name: "staff:" + p.Name, ID: p.ID, Issuer: p.Issuer, Admin: p.Role == Admin, Domains: p.Domains}
}

// Serves reports whether the actor may act for a domain.
func (a Actor) Serves(domain string) bool {
	return slices.Contains(a.Domains, Everywhere) || slices.Contains(a.Domains, domain)
}

// Bounds returns the domains that the actor may see; nil for all.
func (a Actor) Bounds() []string {
	if slices.Contains(a.Domains, Everywhere) {
		return nil
	}
	return append([]string{}, a.Domains...)
}

// Session is a person's session in a browser. Only the hash of its token is kept.
type Session struct {
	Person string
	MadeAt time.Time
	SeenAt time.Time
	// Enrolling means that the second factor has yet to be set up.
	Enrolling bool
}

// Entry is an entry of the audit log.
type Entry struct {
	ID      int64     `json:"-"` // published as [Desk.EntryMark]
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	ActorID string    `json:"actor_id,omitempty"` // see [Actor]; none in entries of older versions
	Issuer  string    `json:"actor_issuer,omitempty"`
	Action  string    `json:"action"`
	Subject string    `json:"subject,omitempty"` // an address, a person, a domain
	Domain  string    `json:"domain,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// EntryFilter selects entries, latest first.
type EntryFilter struct {
	Domains []string // nil for all
	Before  int64    // ID of the last entry of the previous page; 0 for the latest
	Limit   int

	// Zero values match everything. Actor is a name as in the log, or without its "staff:" or
	// "token:". About is a subject, in any letter case of an address's domain, or a domain.
	// Since is inclusive, Until exclusive.
	Actor, Action, About string
	Since, Until         time.Time
}

// Store stores people, sessions, tokens and the log. What doesn't exist is [ErrUnknown].
type Store interface {
	Journal

	AddPerson(ctx context.Context, p Person) error
	// LockPerson is Person, and locks the row until the context's transaction ends.
	LockPerson(ctx context.Context, id string) (Person, error)
	// ChangePerson changes an existing person; one who was removed meanwhile is
	// [ErrUnknown].
	ChangePerson(ctx context.Context, p Person) error
	// CountFailure counts a failed sign-in, and locks the person until a time at the
	// most-th in a row.
	CountFailure(ctx context.Context, id string, most int, until time.Time) error
	// ForgiveFailures resets the count.
	ForgiveFailures(ctx context.Context, id string) error
	Person(ctx context.Context, id string) (Person, error)
	PersonBySubject(ctx context.Context, issuer, subject string) (Person, error)
	People(ctx context.Context) ([]Person, error)
	// RemovePerson removes the person's sessions too.
	RemovePerson(ctx context.Context, id string) error
	// UseStep records a time step of the second factor, and reports whether it was later
	// than the last one: of two sign-ins with one code, one succeeds.
	UseStep(ctx context.Context, id string, step int64) (bool, error)

	// PutRecoveryCodes puts codes, by their hashes, in the place of the person's old ones.
	PutRecoveryCodes(ctx context.Context, person string, hashes [][]byte) error
	// UseRecoveryCode removes a code, and reports whether it was there.
	UseRecoveryCode(ctx context.Context, hash []byte) (bool, error)
	// RecoveryCodes counts those that are left.
	RecoveryCodes(ctx context.Context, person string) (int, error)
	// ForgetSecondFactors removes a person's recovery codes and passkeys.
	ForgetSecondFactors(ctx context.Context, person string) error

	AddPasskey(ctx context.Context, k Passkey) error
	// Passkeys are a person's, oldest first.
	Passkeys(ctx context.Context, person string) ([]Passkey, error)
	// UsePasskey records an answer to a challenge, and reports whether the challenge was later
	// than the last one: of two sign-ins with one answer, one succeeds.
	UsePasskey(ctx context.Context, k Passkey) (bool, error)
	RemovePasskey(ctx context.Context, person string, id []byte) error

	PutSession(ctx context.Context, hash []byte, s Session) error
	// RenewSession records a use of a session, or returns [ErrUnknown] if it has ended.
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

// Journal adds entries to the audit log.
type Journal interface {
	// Together runs f in one transaction, which everything with its context joins. f may be
	// called again.
	Together(ctx context.Context, f func(ctx context.Context) error) error
	AddEntry(ctx context.Context, e Entry) error
}
