// Package reading reads published documents as mail programs do: the result is the account
// that a program would set up, or the reason why it refuses. Each program has one reader,
// which does what its source does. Tests compare it with a table of what the real programs
// made of the same bytes.
package reading

import (
	"errors"
	"fmt"
	"slices"

	"autoconfig/settings"
)

// Document is a page as a web server sent it.
type Document struct {
	// ContentType is the header's whole value; "" without one.
	ContentType string
	Body        []byte
}

// Person is the person whose account is set up.
type Person struct {
	// Email is the typed address.
	Email string
	// RealName replaces %REALNAME%.
	RealName string
}

// Account is what a program makes of a document.
type Account struct {
	// Name is the provider's name that the program shows; "" for none.
	Name     string `json:"name,omitempty"`
	Incoming Server `json:"incoming"`
	// Outgoing is the zero Server if the program sets up none.
	Outgoing Server `json:"outgoing"`
	// Others are further incoming servers that the person may choose.
	Others []Server `json:"others,omitempty"`
	// Tries are further logins that it tries if the server refuses the first one.
	Tries []string `json:"tries,omitempty"`
	// Retention is for POP3; nil for other protocols, and if the program sets none.
	Retention *Retention `json:"retention,omitempty"`
}

// Server is a server as a program will use it.
type Server struct {
	// Type is "imap", "pop3", "smtp" or another word that the program knows.
	Type string `json:"type"`
	Host string `json:"host"`
	// Port is 0 if the document has none, which means the protocol's default.
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

// ErrRefused matches every reason why a program makes no account of a document.
var ErrRefused = errors.New("refused")

// ErrNothing means that a program ignores an answer and looks at the next place. It is an
// [ErrRefused].
var ErrNothing = fmt.Errorf("%w: no document to it", ErrRefused)

// refusal is a reason.
type refusal struct{ reason string }

func (r *refusal) Error() string        { return r.reason }
func (r *refusal) Is(target error) bool { return target == ErrRefused }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// Ends reports whether a refusal ends a program's search: Evolution or Delta Chat read a
// document and found nothing, or Nextcloud Mail found half an account.
func Ends(err error) bool {
	return slices.ContainsFunc([]error{errEmpty, errNoServer, errNoProtocol, errNoIncoming, errNoOutgoing},
		func(end error) bool { return errors.Is(err, end) })
}
