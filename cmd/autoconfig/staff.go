package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/staff"
)

type staffCmd struct {
	Add    staffAddCmd    `cmd:"" help:"Add a person who signs in with a password."`
	List   staffListCmd   `cmd:"" help:"List the people of the help desk."`
	Reset  staffResetCmd  `cmd:"" help:"Reset a person's password, second factor, passkeys and lock."`
	Remove staffRemoveCmd `cmd:"" help:"Remove a person and end the sessions."`
}

type staffAddCmd struct {
	Name    string   `arg:"" help:"The name that is typed to sign in."`
	Role    string   `help:"staff or admin." default:"staff" enum:"staff,admin"`
	Domains []string `help:"Primary domains that the person may serve; * for all." default:"*"`
}

func (a *staffAddCmd) Help() string {
	return `Prints a password, only now. At the first sign-in the person sets up a second factor.

Examples:
  autoconfig staff add eva --role admin
  autoconfig staff add otto --domains example.com,example.org`
}

func (a *staffAddCmd) Run(c *call, app *application) error {
	domains := make([]string, len(a.Domains))
	for i, d := range a.Domains {
		domains[i] = d
		if d == staff.Everywhere {
			continue
		}
		var err error
		if domains[i], err = parseDomain(d); err != nil {
			return err
		}
	}
	acts, err := app.staffAdmin()
	if err != nil {
		return err
	}
	password, _, err := acts.AddPerson(c, admin.CommandLine(), a.Name, staff.Role(a.Role), domains)
	if err != nil {
		return said(err)
	}
	c.printf("%s\n", password)
	return nil
}

type staffListCmd struct{ jsonFlag }

func (l *staffListCmd) Help() string {
	return `Example:
  autoconfig staff list --json`
}

func (l *staffListCmd) Run(c *call, app *application) error {
	people, err := app.store.People(c)
	if err != nil {
		return err
	}
	header := []string{"NAME", "ROLE", "DOMAINS", "SIGNS IN BY", "SECOND FACTOR", "LOCKED"}
	return printList(c, l.JSON, header, people, func(p staff.Person) []string {
		by, second, locked := "password", "no", ""
		if len(p.TOTPKey) > 0 {
			second = "yes"
		}
		if p.Issuer != "" {
			by, second = p.Issuer, ""
		}
		if time.Now().Before(p.LockedUntil) {
			locked = "until " + p.LockedUntil.Format("15:04 UTC")
		}
		return []string{p.Name, string(p.Role), strings.Join(p.Domains, " "), by, second, locked}
	})
}

type staffResetCmd struct {
	Name string `arg:"" help:"The name that is typed to sign in."`
}

func (r *staffResetCmd) Help() string {
	return `Example:
  autoconfig staff reset eva`
}

func (r *staffResetCmd) Run(c *call, app *application) error {
	acts, err := app.staffAdmin()
	if err != nil {
		return err
	}
	p, err := app.person(c, r.Name)
	if err != nil {
		return err
	}
	password, _, err := acts.ResetPerson(c, admin.CommandLine(), p.ID)
	if err != nil {
		return err
	}
	c.printf("%s\n", password)
	return nil
}

// person finds somebody by name: whoever has a password first.
func (app *application) person(c *call, name string) (staff.Person, error) {
	p, err := app.store.PersonBySubject(c, "", name)
	if !errors.Is(err, staff.ErrUnknown) {
		return p, err
	}
	people, err := app.store.People(c)
	if err != nil {
		return p, err
	}
	names := make([]string, 0, len(people))
	for _, p := range people {
		if p.Name == name || p.ID == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return p, refusal{fmt.Errorf("there is no person called %q; %s", name, meant(name, names, "see: autoconfig staff list"))}
}

type staffRemoveCmd struct {
	Name string `arg:"" help:"The name, as list shows it."`
}

func (r *staffRemoveCmd) Help() string {
	return `Whoever an identity provider vouches for comes back with the next sign-in: take the role
away there too.

Example:
  autoconfig staff remove otto`
}

func (r *staffRemoveCmd) Run(c *call, app *application) error {
	acts, err := app.staffAdmin()
	if err != nil {
		return err
	}
	p, err := app.person(c, r.Name)
	if err != nil {
		return err
	}
	return acts.RemovePerson(c, admin.CommandLine(), p.ID)
}
