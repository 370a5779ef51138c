package certificates

import (
	"context"
	"errors"
	"time"
)

// Class says why a certificate is wanted. Each class has its turn, so that a flood of
// one doesn't keep the others waiting.
type Class int

// The classes.
const (
	// Own are the service's own names: the hosts of public_url and staff_url.
	Own Class = 1
	// Ahead are the special names of domains, before anybody asks for them.
	Ahead Class = 2
	// Asked are names that a client asked for first.
	Asked Class = 3
)

// Certificate is a name that has a certificate or wants one: a row that says how far
// it is.
type Certificate struct {
	Name string
	// Domain is the mail domain whose special name it is, "" for the service's own.
	Domain string
	Class  Class
	// Chain is PEM, and Key is sealed; both are empty while there is no certificate.
	Chain, Key []byte
	NotAfter   time.Time
	// RenewAt is when a new one is to be ordered.
	RenewAt time.Time
	// DueAt is when something is to be done next.
	DueAt   time.Time
	TriedAt time.Time
	// Failures counts the tries since the last success, of which Code and Reason tell the
	// last.
	Failures int
	Code     Code
	Reason   string
}

// HasOne tells whether there is a certificate.
func (c Certificate) HasOne() bool { return len(c.Chain) > 0 }

// LatestDue is the longest time after which a name is looked at again: a day and a quarter, after a
// success, is the longest.
const LatestDue = 48 * time.Hour

// Summary counts the names by how they are.
type Summary struct {
	// Valid and Expired have a certificate, Wanted and Failing have none: of Failing, the
	// last try has failed.
	Valid, Expired, Wanted, Failing int
	// Unrenewed are Valid, and the last try to renew them has failed.
	Unrenewed int
	// First is when the first of Valid ends.
	First time.Time
}

// ErrNone means that there is no such row.
var ErrNone = errors.New("there is no certificate of that name")

// ErrNotServed means that a name isn't the special name of a served domain.
var ErrNotServed = errors.New("the name isn't that of a served domain")

// Store keeps certificates for all replicas.
type Store interface {
	// Certificate is a name's row, or ErrNone.
	Certificate(ctx context.Context, name string) (Certificate, error)
	// WantCertificates adds rows that aren't there yet, due now.
	WantCertificates(ctx context.Context, now time.Time, wanted ...Certificate) error
	// WantSpecialNames adds the names that begin with the labels, of all domains, and
	// removes those of domains that are no more. What is due later than LatestDue from now is
	// made due.
	WantSpecialNames(ctx context.Context, now time.Time, labels []string) error
	// ClaimCertificate leases the row of a class that is due for longest. False is that
	// none is due.
	ClaimCertificate(ctx context.Context, class Class, renewals bool, holder string, now, until time.Time) (Certificate,
		bool, error)
	// PutCertificate writes what its holder made of a row, and gives it back. The replicas
	// see a changed chain by CertificatesSince.
	PutCertificate(ctx context.Context, holder string, c Certificate) error
	// CertificatesSince are the names whose chain has changed after a mark, and the next
	// mark. The first mark is 0.
	CertificatesSince(ctx context.Context, mark int64) (names []string, next int64, err error)
	// DropCertificate removes a row with its certificate.
	DropCertificate(ctx context.Context, name string) error
	// AddOrder notes an order for the limits.
	AddOrder(ctx context.Context, domain string, class Class, at time.Time) error
	// Orders counts the orders since a time: of a domain, or of all if it is nil; of a
	// class, or of all if it is 0.
	Orders(ctx context.Context, domain *string, class Class, since time.Time) (int, error)
	// PutChallenge keeps what a name answers to a challenge until a time, DropChallenge
	// forgets it, and Challenge finds it, or ErrNone.
	PutChallenge(ctx context.Context, name string, c Challenge, until time.Time) error
	DropChallenge(ctx context.Context, name string) error
	Challenge(ctx context.Context, name string) (Challenge, error)
	// ACMEAccount is the sealed account at a directory, or ErrNone. PutACMEAccount keeps
	// one, unless another replica was quicker.
	ACMEAccount(ctx context.Context, directory string) ([]byte, error)
	PutACMEAccount(ctx context.Context, directory string, sealed []byte) error
	TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
}

// Challenge is how a name proves to the ACME server that it leads here.
type Challenge struct {
	Kind string
	// Token and KeyAuthorization are of RFC 8555, section 8.1.
	Token, KeyAuthorization string
}
