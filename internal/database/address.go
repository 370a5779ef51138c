package database

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ErrURL means that a text isn't the address of a database.
var ErrURL = errors.New("not a database")

// Kind is a kind of database, and its SQL dialect.
type Kind string

// The kinds of databases. MariaDB is [MySQL].
const (
	SQLite     Kind = "sqlite"
	PostgreSQL Kind = "postgres"
	MySQL      Kind = "mysql"
)

// Address is the address of a database.
type Address struct {
	Kind Kind
	// File is the file of an SQLite database, or ":memory:".
	File string
	// URL is the URL of a server.
	URL *url.URL
}

// Parse parses "sqlite:FILE", "postgres://…" or "mysql://…". Its errors are [ErrURL] and
// never show a password.
func Parse(text string) (Address, error) {
	if file, ok := strings.CutPrefix(text, "sqlite:"); ok && file != "" {
		return Address{Kind: SQLite, File: file}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		// url.Parse repeats the text in its error, and so the password.
		return Address{}, fmt.Errorf("%w: it can't be read as a URL (special characters in a password are written %%40 "+
			"for @, %%2F for /); %s", ErrURL, forms)
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return Address{Kind: PostgreSQL, URL: u}, named(u)
	case "mysql", "mariadb":
		return Address{Kind: MySQL, URL: u}, named(u)
	}
	return Address{}, fmt.Errorf("%w: %q; %s", ErrURL, redacted(u), forms)
}

// MustParse is [Parse] for addresses that are known to be valid.
func MustParse(text string) Address {
	a, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

// UnmarshalText is [Parse].
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = Parse(string(text))
	return err
}

//nolint:gosec // a form, not a password
const forms = "write sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME"

func named(u *url.URL) error {
	if strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("%w: %q names no database after the host; %s", ErrURL, redacted(u), forms)
	}
	return nil
}

// String returns the address without its password.
func (a Address) String() string {
	if a.Kind == SQLite {
		return "sqlite:" + a.File
	}
	return redacted(a.URL)
}

// redacted returns a URL without passwords, which may be in two places.
func redacted(u *url.URL) string {
	masked := *u
	if masked.Opaque != "" { // scheme:user:password@host, without the slashes
		masked.Opaque = "xxxxx"
	}
	query := u.Query()
	for key := range query {
		if strings.Contains(strings.ToLower(key), "password") {
			query.Set(key, "xxxxx")
			masked.RawQuery = query.Encode()
		}
	}
	return masked.Redacted()
}

// leavesMachine reports whether the connection to a host (or the folder of a socket) uses a
// network, where it must be encrypted.
func leavesMachine(host string) bool {
	if host == "" || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}
