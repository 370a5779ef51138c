// Package reading knows what mail programs make of a published document: the account
// that comes of it, or why it is refused. Each program has one reader, which does what
// its source does; a table of what the real programs made of the same bytes holds them
// to it.
package reading

import (
	"errors"
	"fmt"
	"slices"

	"autoconfig/settings"
)

// Document is a page as a web server gave it.
type Document struct {
	// ContentType is the header's whole value, "" where there is none.
	ContentType string
	Body        []byte
}

// Person is whose account is set up.
type Person struct {
	// Email is the address as it was typed.
	Email string
	// RealName is what stands for %REALNAME%.
	RealName string
}

// Account is what a program makes of a document.
type Account struct {
	// Name is what the program shows as the provider's name, "" where it shows none.
	Name     string `json:"name,omitempty"`
	Incoming Server `json:"incoming"`
	// Outgoing is the zero Server where the program sets up none.
	Outgoing Server `json:"outgoing"`
	// Others are further incoming servers that the person may choose.
	Others []Server `json:"others,omitempty"`
	// Tries are further logins, for where the server refuses the first one.
	Tries []string `json:"tries,omitempty"`
	// Retention is for POP3; nil with other protocols and where a program says nothing.
	Retention *Retention `json:"retention,omitempty"`
}

// Server is a server as a program will use it.
type Server struct {
	// Type is "imap", "pop3", "smtp" or another word that the program knows.
	Type string `json:"type"`
	Host string `json:"host"`
	// Port is 0 where the document gives none, which means the protocol's own.
	Port     int               `json:"port"`
	Security settings.Security `json:"security"`
	// Auth is in words: "password", "encrypted password", "OAuth2", "none" ….
	Auth     string `json:"auth,omitempty"`
	Username string `json:"username,omitempty"`
}

// Retention is how long POP3 leaves mail on the server.
type Retention struct {
	Leave bool `json:"leave"`
	Days  int  `json:"days"`
}

// ErrRefused is what every reason is why a program makes no account of a document.
var ErrRefused = errors.New("refused")

// ErrNothing means that a program doesn't count an answer as one, and looks at the next
// place. It is an [ErrRefused].
var ErrNothing = fmt.Errorf("%w: no document to it", ErrRefused)

// refusal is a reason.
type refusal struct{ reason string }

func (r *refusal) Error() string        { return r.reason }
func (r *refusal) Is(target error) bool { return target == ErrRefused }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// Ends tells whether a refusal ends a program's search: Evolution or Delta Chat went
// through a document and found nothing, Nextcloud Mail found one half of an account.
func Ends(err error) bool {
	return slices.ContainsFunc([]error{errEmpty, errNoServer, errNoProtocol, errNoIncoming, errNoOutgoing},
		func(end error) bool { return errors.Is(err, end) })
}
