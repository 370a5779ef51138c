package main

import (
	"fmt"

	"autoconfig/internal/admin"
	"autoconfig/settings"
)

type accountForgetCmd struct {
	Address string `arg:"" help:"The address to forget, or another one of the same mailbox."`
	Account bool   `help:"Remove the account itself as well."`
}

func (f *accountForgetCmd) Help() string {
	return `Revokes the mailbox's links, removes its override, and puts a pseudonym in the place of its
addresses wherever links and the audit log name them: in every domain of theirs, with tags, in any letter
case. The account itself stays, unless --account is given. Don't remove the account first: its other
addresses would no longer be known, and so would not be found.

A SQLite file is rewritten, so that nothing is left in its free pages; other changes wait
meanwhile. Files, logs and backups of a database server still contain the address.

Examples:
  autoconfig account forget workshop@example.com
  autoconfig account forget workshop@example.com --account`
}

func (f *accountForgetCmd) Run(c *call, app *application) error {
	typed, err := settings.ParseAddress(f.Address)
	if err != nil {
		return err
	}
	done, err := app.admin().Forget(c, admin.CommandLine(), typed, f.Account)
	if err != nil {
		return err
	}
	c.printf("%d links and entries now say %s.\n", done.Found, done.Pseudonym)
	if err := app.store.Scrub(c); err != nil {
		return fmt.Errorf("it is forgotten, but the database file may still hold old bytes of it until you run the command again: %w", err)
	}
	return nil
}
