package database

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ErrURL means that an address names no database.
var ErrURL = errors.New("not a database")

// Kind is a dialect of SQL.
type Kind string

// The kinds of databases. MariaDB is [MySQL].
const (
	SQLite     Kind = "sqlite"
	PostgreSQL Kind = "postgres"
	MySQL      Kind = "mysql"
)

// Address is where a database is.
type Address struct {
	Kind Kind
	// File is an SQLite database's file, or ":memory:".
	File string
	// URL is that of a server.
	URL *url.URL
}

// Parse reads "sqlite:FILE", "postgres://…" or "mysql://…". Its errors are
// [ErrURL] and don't show a password.
func Parse(text string) (Address, error) {
	if file, ok := strings.CutPrefix(text, "sqlite:"); ok && file != "" {
		return Address{Kind: SQLite, File: file}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse repeats the text, and a password with it.
		return Address{}, fmt.Errorf("%w: it can't be read as a URL (special characters in a password are written %%40 for @, %%2F for /); %s", ErrURL, forms)
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return Address{Kind: PostgreSQL, URL: u}, named(u)
	case "mysql", "mariadb":
		return Address{Kind: MySQL, URL: u}, named(u)
	}
	return Address{}, fmt.Errorf("%w: %q; %s", ErrURL, u.Redacted(), forms)
}

const forms = "write sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME"

func named(u *url.URL) error {
	if strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("%w: %q names no database after the host; %s", ErrURL, u.Redacted(), forms)
	}
	return nil
}

// String is the address without its password.
func (a Address) String() string {
	if a.Kind == SQLite {
		return "sqlite:" + a.File
	}
	return a.URL.Redacted()
}

// leavesMachine tells whether what is sent to the server passes a network, where
// it must be encrypted.
func leavesMachine(u *url.URL) bool {
	host := u.Hostname()
	if host == "" || host == "localhost" || u.Query().Get("host") != "" && strings.HasPrefix(u.Query().Get("host"), "/") || u.Query().Get("socket") != "" {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}
