package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
)

// plain shortens errors of connecting to a line.
type plain struct{ driver.Connector }

// Connect implements [driver.Connector].
func (p plain) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	return c, inALine(err)
}

// inALine shortens an error of connecting to PostgreSQL to a line. The driver's has a line for
// each attempt, of which the first used TLS and the second didn't, and the second isn't the one
// to fix.
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

// reason is an error with another message.
type reason struct {
	text string
	error
}

func (r reason) Error() string { return r.text }
func (r reason) Unwrap() error { return r.error }

// silent adds the address to a timeout, as the driver doesn't.
func silent(address string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return reason{address + " doesn't answer as such a database does: " + err.Error(), err}
	}
	return err
}
