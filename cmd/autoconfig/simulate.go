package main

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor/simulate"
	"autoconfig/settings"
)

type simulateCmd struct {
	demoFlag
	jsonFlag
	Address string   `arg:"" help:"The address that a person types."`
	Client  []string `help:"The program, or all." default:"all" enum:"all,${simulations}"`
	resolverFlag
	AllowNetwork []netip.Prefix `help:"Network that may be contacted besides public addresses." placeholder:"PREFIX"`
}

func (s *simulateCmd) Help() string {
	return `Walks the documented way of a mail program for an address: what it asks, in its
order, what it takes and refuses, and the account that comes out, or why none does.
The address may be of any domain, and no configuration is needed. No password is sent.
Thunderbird's public provider databases are asked, as the programs do.

The exit status is 1 if a program ends without an account.

Examples:
  autoconfig simulate somebody@example.org
  autoconfig simulate somebody@example.org --client thunderbird --json`
}

func (s *simulateCmd) Run(c *call) error {
	address, err := settings.ParseAddress(s.Address)
	if err != nil {
		return err
	}
	app, err := s.openAny(c)
	if err != nil {
		return err
	}
	defer app.close()
	prober, err := newProber(app.process, s.resolverFlag, false, s.AllowNetwork)
	if err != nil {
		return err
	}
	simulator := simulate.Simulator{Prober: *prober}
	switch _, err := app.domainTerms(c, address.Domain()); {
	case err == nil:
		simulator.ProfileHost = app.process.PublicURL.Host
	case !errors.Is(err, directory.ErrNotFound):
		return err
	}
	words := s.Client
	if slices.Contains(words, "all") {
		words = clients.Simulations()
	}
	var all []simulate.Result
	for _, client := range words {
		one, err := simulator.Run(c, client, address)
		if err != nil {
			return err
		}
		if all = append(all, one); !s.JSON {
			printSimulation(c, one)
		}
	}
	if s.JSON {
		if err := c.json(all); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(all, func(o simulate.Result) bool { return o.Account == nil }) {
		return errFinding
	}
	return nil
}

func printSimulation(c *call, s simulate.Result) {
	c.printf("%s\n", s.Client)
	for _, step := range s.Steps {
		c.printf("  %s\n      %s\n      %s\n", step.Request, step.Answer, step.Verdict)
	}
	for _, note := range s.Notes {
		c.printf("  note: %s\n", note)
	}
	if s.Account == nil {
		c.printf("  no account: %s\n\n", s.Why)
		return
	}
	side := func(name string, e simulate.Endpoint) {
		if e == (simulate.Endpoint{}) {
			c.printf("  %-9s none\n", name)
			return
		}
		words := []string{e.Host + ":" + e.Port, string(e.Security), e.Auth, e.Username}
		c.printf("  %-9s %s\n", name, strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "  "))
	}
	side(upper(s.Account.Protocol), s.Account.Incoming)
	side("SMTP", s.Account.Outgoing)
	if s.Account.Leave != "" {
		c.printf("  leaves mail on the server: %s, days %s\n", s.Account.Leave, s.Account.Days)
	}
	c.printf("\n")
}
