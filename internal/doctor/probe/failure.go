package probe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// FailureKind is what a name server does instead of answering a question.
type FailureKind string

// The kinds. Those of EDNS are what a server does about questions with EDNS.
const (
	FormErr      FailureKind = "FORMERR"
	NotImp       FailureKind = "NOTIMP"
	BadVers      FailureKind = "BADVERS"
	Silence      FailureKind = "silence" // in time
	Refused      FailureKind = "REFUSED"
	NoTCP        FailureKind = "no TCP" // and the answer doesn't fit into a packet
	NoRecursion  FailureKind = "no recursion"
	NoConnection FailureKind = "no connection"
	OtherFailure FailureKind = "other" // SERVFAIL, an answer to another question
)

// Failure is an error of one name server.
type Failure struct {
	// Server is as it was named: an address and port, or a name server's name.
	Server string
	Kind   FailureKind
	Text   string
	cause  error
}

func (f Failure) Error() string { return f.Text }

// Unwrap is what it was made of, nil for what a server has answered.
func (f Failure) Unwrap() error { return f.cause }

// Inconclusive is [ErrInconclusive] of a question, with what each server did.
type Inconclusive struct {
	Name, Type string
	Failures   []Failure
}

func (i Inconclusive) Error() string {
	all := make([]string, len(i.Failures))
	for n, f := range i.Failures {
		all[n] = f.Server + ": " + f.Text
	}
	return fmt.Sprintf("%v for %s %s: %s", ErrInconclusive, i.Name, i.Type, strings.Join(all, "; "))
}

// Is tells that it is an [ErrInconclusive].
func (i Inconclusive) Is(target error) bool { return target == ErrInconclusive }

// failureOf is a server's failure, whatever the error is.
func failureOf(server string, err error) Failure {
	var f Failure
	if errors.As(err, &f) {
		return f
	}
	return Failure{server, OtherFailure, err.Error(), err}
}

// kindOf is what a response code means; "" for an answer.
func kindOf(rcode int) FailureKind {
	switch rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return ""
	case dns.RcodeFormatError:
		return FormErr
	case dns.RcodeNotImplemented:
		return NotImp
	case dns.RcodeBadVers:
		return BadVers
	case dns.RcodeRefused:
		return Refused
	}
	return OtherFailure
}

func isSilence(err error) bool {
	var f Failure
	return errors.As(err, &f) && f.Kind == Silence
}
