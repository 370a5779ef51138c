package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/internal/operator"
	"autoconfig/internal/staff"
)

// withoutSecret is what another secret costs.
const withoutSecret = "nobody's second factor can be read (autoconfig staff reset NAME), pages that are open from a link must be opened " +
	"from it again, and keys of certificates and messages that wait can't be read"

type secretCmd struct {
	Accept secretAcceptCmd `cmd:"" help:"Go on with another secret_file, where the one that the database knew is lost."`
}

type secretAcceptCmd struct{}

func (secretAcceptCmd) Help() string {
	return `The database knows the secret_file with which it was first served. With another one, serve
says so until the old file is back in its place, or until you accept the loss: then
certificates are ordered anew, with a new account at the authority. Second factors
can't be read any more: run autoconfig staff reset NAME for each person who has one.

Example:
  autoconfig secret accept`
}

func (secretAcceptCmd) Run(c *call, app *application) error {
	mark, err := app.secretMark()
	if err != nil {
		return err
	}
	if mark == "" {
		return refusal{errors.New(app.process.SecretFile + " isn't there: put it back, or let serve make a new one first")}
	}
	known, err := app.store.KnowSecret(c, mark)
	if err != nil {
		return err
	}
	if known == mark {
		c.printf("%s is the one that the database knows. Nothing was changed.\n", app.process.SecretFile)
		return nil
	}
	now := time.Now()
	err = staff.Act(c, app.store, now, admin.CommandLine(), func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "secret accepted", Subject: app.process.SecretFile}, app.store.TakeSecret(ctx, mark, now)
	})
	if err != nil {
		return err
	}
	c.printf("The database belongs to this %s now. Restart serve, and reset second factors: autoconfig staff reset NAME\n", app.process.SecretFile)
	return nil
}

// secretMark tells the secret from another one, and nothing of what is in it; "" if
// there is none.
func (app *application) secretMark() (string, error) {
	file := app.process.path(app.process.SecretFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", nil // none is made here
	}
	secret, err := config.LoadSecret(file)
	if err != nil {
		return "", err
	}
	return markOf(secret)
}

func markOf(secret []byte) (string, error) {
	mark, err := hkdf.Key(sha256.New, secret, nil, "autoconfig backup", 16)
	return hex.EncodeToString(mark), err
}

// lookAtSecret finds out whether the secret is the one that the database knows.
func (v *running) lookAtSecret(ctx context.Context, seen *operator.Seen) {
	if mark, err := markOf(v.secret); err == nil {
		v.now().app.judgeSecret(ctx, mark, seen)
	}
}

// judgeSecret holds a secret's mark against the one that the database knows.
func (app *application) judgeSecret(ctx context.Context, mark string, seen *operator.Seen) {
	known, err := app.store.KnowSecret(ctx, mark)
	if err != nil || known == mark { // the database's health is told elsewhere
		return
	}
	file := app.process.SecretFile
	seen.Add(operator.Problem{
		Code: operator.SecretForeign, Severity: operator.Error, Where: "secret_file",
		What:   file + " is not the one with which this database was used: " + withoutSecret,
		Remedy: "put the old file back and restart; if it is lost: autoconfig secret accept",
	})
}
