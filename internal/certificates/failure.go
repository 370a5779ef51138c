package certificates

import (
	"errors"
	"fmt"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// Code says why a name has no certificate, or no new one. Codes are stable: check,
// metrics and the API show them, and doctor's catalogue has their meanings.
type Code string

// The codes.
const (
	// Elsewhere: the DNS doesn't lead here.
	Elsewhere Code = "CERT-DNS"
	// Unreachable: the ACME server came and found no answer.
	Unreachable Code = "CERT-REACH"
	// CAA: the domain allows other authorities only (RFC 8659).
	CAA Code = "CERT-CAA"
	// Limited: the authority has a limit that is reached.
	Limited Code = "CERT-LIMIT"
	// OwnLimit: our own limit of orders is reached.
	OwnLimit Code = "CERT-OWN-LIMIT"
	// Refused: the authority doesn't issue for the name.
	Refused Code = "CERT-REFUSED"
	// Account: the account is refused.
	Account Code = "CERT-ACCOUNT"
	// Server: the ACME server is down, or fails.
	Server Code = "CERT-SERVER"
	// Internal: what failed is on this side.
	Internal Code = "CERT-INTERNAL"
)

// Failure is why an order came to nothing.
type Failure struct {
	Code Code
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// failureOf reads what an ACME server said, by the types of RFC 8555, section 6.7.
func failureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	var problem acme.Problem
	if !errors.As(err, &problem) {
		return &Failure{Server, err}
	}
	code := Refused
	switch problem.Type {
	case acme.ProblemTypeCAA:
		code = CAA
	case acme.ProblemTypeConnection, acme.ProblemTypeDNS, acme.ProblemTypeTLS, acme.ProblemTypeUnauthorized,
		acme.ProblemTypeIncorrectResponse:
		code = Unreachable
	case acme.ProblemTypeRateLimited:
		code = Limited
	case acme.ProblemTypeAccountDoesNotExist, acme.ProblemTypeExternalAccountRequired,
		acme.ProblemTypeUserActionRequired, acme.ProblemTypeInvalidContact, acme.ProblemTypeUnsupportedContact:
		code = Account
	case acme.ProblemTypeServerInternal, acme.ProblemTypeBadNonce:
		code = Server
	}
	return &Failure{code, errors.New(problemText(problem))}
}

// problemText is what a person should read of a problem.
func problemText(p acme.Problem) string {
	text := p.Detail
	for _, sub := range p.Subproblems {
		if sub.Detail != "" {
			text += "; " + sub.Detail
		}
	}
	if text == "" {
		text = p.Type
	}
	if text == "" {
		text = fmt.Sprintf("the server answered with status %d", p.Status)
	}
	return text
}

// pause is how long to wait before the next try, after so many failures. The first
// failures of a name that doesn't lead here yet come while somebody waits for it; an
// authority locks out a name that fails often (Let's Encrypt: 5 an hour).
func (c Code) pause(failures int) time.Duration {
	first, most := time.Minute, 6*time.Hour
	switch c {
	case Unreachable, CAA, Refused, Account:
		first, most = 15*time.Minute, 24*time.Hour
	case Limited:
		first, most = time.Hour, 24*time.Hour
	case OwnLimit:
		return 10 * time.Minute
	case Server, Internal:
		most = time.Hour
	}
	for ; failures > 1 && first < most; failures-- {
		first *= 2
	}
	return min(first, most)
}

// holdsUp is for how long no other name is tried either: for a failure of the server or
// of the account, after so many of them in a row. A limit may be the domain's alone.
func (c Code) holdsUp(inARow int) time.Duration {
	switch c {
	case Server:
		return min(15*time.Second<<min(inARow, 6), 10*time.Minute)
	case Account:
		return 10 * time.Minute
	case Limited:
		return time.Minute
	}
	return 0
}
