package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
)

// plain makes the errors of connecting those of a line.
type plain struct{ driver.Connector }

// Connect is that of [driver.Connector].
func (p plain) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	return c, inALine(err)
}

// inALine gives an error of connecting to PostgreSQL a text of one line. The driver
// has a line for each try: the same host is tried with TLS and then without, and
// where the second try has failed, it isn't the first that must be mended.
func inALine(err error) error {
	if err == nil || !strings.Contains(err.Error(), "\n") {
		return err
	}
	const noTLS = "server refused TLS connection"
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	without := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.HasSuffix(line, noTLS) })
	if len(without) > 1 { // the first line has the user and the database
		lines = without
	}
	return reason{strings.Join(lines, " "), err}
}

// reason is an error with another text.
type reason struct {
	text string
	error
}

func (r reason) Error() string { return r.text }
func (r reason) Unwrap() error { return r.error }

// silent says of a time-out whose it is: the driver only says that there was one.
func silent(address string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return reason{address + " doesn't answer as such a database does: " + err.Error(), err}
	}
	return err
}
