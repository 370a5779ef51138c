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
	return `Withdraws the mailbox's links, removes its override, and puts a pseudonym in the place of its
addresses wherever links and the audit log name them: in every domain of theirs, with tags, in any letter
case. What is known of the account itself stays, unless --account is given. Removing the account before
leaves less to go by: other addresses of the mailbox are then not known any more.

The file of a SQLite database is written anew, so that nothing is left between its pages; other
changes wait meanwhile. A database server's own files, logs and backups keep what they have.

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
		return fmt.Errorf("it is forgotten, but the database's file may still have old bytes of it until this is done again: %w", err)
	}
	return nil
}
