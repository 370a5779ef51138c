package main

import (
	"errors"
	"fmt"
	"strings"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

type accountCmd struct {
	List   accountListCmd   `cmd:"" help:"List the accounts stored here."`
	Show   accountShowCmd   `cmd:"" help:"Show what is known about an account."`
	Add    accountAddCmd    `cmd:"" help:"Add an account."`
	Set    accountSetCmd    `cmd:"" help:"Change an account."`
	Remove accountRemoveCmd `cmd:"" help:"Remove an account; its address then gets the default."`
	Forget accountForgetCmd `cmd:"" help:"Replace an address with a pseudonym in links and the audit log."`
}

type accountListCmd struct {
	demoFlag
	jsonFlag
	Domain    string `help:"Only of this domain."`
	Overrides bool   `help:"List the overrides of accounts that other sources have."`
}

func (l *accountListCmd) Help() string {
	return `Lists what is in our own database. Accounts that are kept in other sources aren't listed: search for
them at the help desk, or show one.

Examples:
  autoconfig account list --domain example.com
  autoconfig account list --overrides --json`
}

func (l *accountListCmd) Run(c *call, app *application) error {
	domain := ""
	if l.Domain != "" {
		t, err := app.terms(c, l.Domain)
		if err != nil {
			return err
		}
		domain = t.Name
	}
	if l.Overrides {
		return l.overrides(c, app, domain)
	}
	accounts := []policy.Account{}
	for a, err := range app.store.AllAccounts(c, domain) {
		if err != nil {
			return err
		}
		accounts = append(accounts, a)
	}
	header := []string{"ADDRESS", "NAME", "DEVICES", "QUOTA", "GROUPS", "PROTOCOL", "LOGIN"}
	return printList(c, l.JSON, header, accounts, func(a policy.Account) []string {
		return []string{a.Address.String(), a.Name, string(a.Devices), quotaText(a.Quota), strings.Join(a.Groups, " "), upper(a.Protocol), a.Login}
	})
}

func (l *accountListCmd) overrides(c *call, app *application, domain string) error {
	all := []policy.Override{}
	for o, err := range app.store.AllOverrides(c) {
		if err != nil {
			return err
		}
		if domain == "" || o.Address.Domain() == domain {
			all = append(all, o)
		}
	}
	header := []string{"ADDRESS", "PROTOCOL", "DEVICES", "BY", "SINCE", "NOTE"}
	return printList(c, l.JSON, header, all, func(o policy.Override) []string {
		return []string{o.Address.String(), upper(o.Protocol), string(o.Devices), o.ChangedBy, o.ChangedAt.Format("2006-01-02"), o.Note}
	})
}

type accountShowCmd struct {
	demoFlag
	jsonFlag
	Address string `arg:"" help:"The address, or another one of the same mailbox."`
}

func (s *accountShowCmd) Run(c *call, app *application) error {
	found, err := app.found(c, s.Address)
	if err != nil {
		return err
	}
	a := found.Account
	if s.JSON {
		shown := struct {
			policy.Account
			Source   string           `json:"source,omitempty"`
			Override *policy.Override `json:"override,omitempty"`
		}{Account: a, Source: found.Source}
		if !found.Override.IsZero() {
			shown.Override = &found.Override
		}
		return c.json(shown)
	}
	var others []string
	for _, o := range a.Addresses {
		others = append(others, o.String())
	}
	rows := [][]string{
		{"address", a.Address.String()},
		{"name", a.Name},
		{"login", a.Login},
		{"devices", string(a.Devices)},
		{"quota", quotaText(a.Quota)},
		{"groups", strings.Join(a.Groups, " ")},
		{"protocol", upper(a.Protocol)},
		{"also", strings.Join(others, " ")},
	}
	if found.Source != "" {
		rows = append(rows, []string{"source", found.Source})
	}
	if !found.Override.IsZero() {
		rows = append(rows, list("override", overrideLines(found.Override))...)
	}
	return c.table(rows)
}

// accountFlags change an account; what isn't given stays.
type accountFlags struct {
	Name     *string  `help:"The person's name; empty to forget it."`
	Login    *string  `help:"Login at the servers; empty for what the username pattern gives."`
	Devices  *string  `help:"one or several; empty if unknown."`
	Quota    *string  `help:"Size of the mailbox, such as 500MB; empty if unknown."`
	Group    []string `help:"A group that it is in; may be repeated."`
	NoGroup  []string `help:"A group to take it out of; may be repeated." placeholder:"GROUP"`
	Protocol *string  `help:"imap or pop3, set by hand; empty to let the policy decide."`
	Also     []string `help:"Another address of the same mailbox; may be repeated." placeholder:"ADDRESS"`
	NoAlso   []string `help:"Take another address away; may be repeated." placeholder:"ADDRESS"`
}

func (f *accountFlags) change(a *policy.Account) error {
	set(&a.Name, f.Name)
	set(&a.Login, f.Login)
	set((*string)(&a.Devices), f.Devices)
	set((*string)(&a.Protocol), f.Protocol)
	if f.Quota != nil {
		a.Quota = 0
		if *f.Quota != "" {
			quota, err := policy.ParseBytes(*f.Quota)
			if err != nil {
				return err
			}
			a.Quota = quota
		}
	}
	a.Groups = append(without(a.Groups, append(f.NoGroup, f.Group...)), f.Group...)
	return f.changeAddresses(a)
}

func (f *accountFlags) changeAddresses(a *policy.Account) error {
	remove := map[string]bool{}
	for _, text := range f.NoAlso {
		address, err := settings.ParseAddress(text)
		if err != nil {
			return err
		}
		remove[address.Key()] = true
	}
	var kept []settings.Address
	for _, other := range a.Addresses {
		if !remove[other.Key()] {
			kept = append(kept, other)
		}
	}
	for _, text := range f.Also {
		address, err := settings.ParseAddress(text)
		if err != nil {
			return err
		}
		kept = append(kept, address)
	}
	a.Addresses = kept
	return nil
}

type accountAddCmd struct {
	accountFlags
	Address string `arg:"" help:"The mailbox's primary address."`
}

func (a *accountAddCmd) Help() string {
	return `Only accounts of which more is known than their address need to be added: all others
get their domain's default.

Examples:
  autoconfig account add workshop@example.com --name Workshop --devices one --quota 200MB
  autoconfig account add kiosk@example.com --group kiosk --also lobby@example.com`
}

func (a *accountAddCmd) Run(c *call, app *application) error {
	typed, err := settings.ParseAddress(a.Address)
	if err != nil {
		return err
	}
	err = app.putAccount(c, typed, func(before *policy.Account) (policy.Account, error) {
		if before != nil {
			return *before, refusal{fmt.Errorf("%s is known already; change it with: autoconfig account set %s", a.Address, a.Address)}
		}
		account := policy.Account{Address: typed}
		err := a.change(&account)
		return account, err
	})
	if outside := (admin.Outside{}); errors.As(err, &outside) {
		return refusal{fmt.Errorf("%s comes from the source %s; override it with: autoconfig account set %s --protocol imap", a.Address, outside.Source, a.Address)}
	}
	return err
}

type accountSetCmd struct {
	accountFlags
	Note    *string `help:"The reason, for colleagues; only for accounts of another source."`
	Address string  `arg:"" help:"The address, or another one of the same mailbox."`
}

func (s *accountSetCmd) Help() string {
	return `Changes what is given and leaves the rest. Of an account that is kept in another source, only protocol
and devices can be changed, and a note kept: they override what the source says.

Examples:
  autoconfig account set office@example.com --protocol pop3
  autoconfig account set office@example.com --protocol ""    # let the policy decide again
  autoconfig account set boss@example.com --protocol imap --note "reads on three devices, ticket 4711"`
}

func (s *accountSetCmd) Run(c *call, app *application) error {
	found, err := app.found(c, s.Address)
	if err != nil {
		return err
	}
	if found.Source != "" {
		return s.override(c, app, found)
	}
	if s.Note != nil {
		return refusal{errors.New("--note is for accounts of another source; this one is in our own database")}
	}
	return app.putAccount(c, found.Account.Address, func(before *policy.Account) (policy.Account, error) {
		if before == nil { // it was removed just now
			return policy.Account{}, nothingKnown(s.Address)
		}
		err := s.change(before)
		return *before, err
	})
}

// override changes the override of an account that is kept elsewhere.
func (s *accountSetCmd) override(c *call, app *application, found directory.Found) error {
	if s.Name != nil || s.Login != nil || s.Quota != nil || s.Group != nil || s.NoGroup != nil || s.Also != nil || s.NoAlso != nil {
		return refusal{fmt.Errorf("%s comes from the source %s, which this service only reads: change it there. Here you can override it with --protocol, --devices and --note", found.Account.Address, found.Source)}
	}
	_, found, err := app.admin().PutOverride(c, admin.CommandLine(), found.Account.Address, func(o policy.Override) (policy.Override, error) {
		set((*string)(&o.Protocol), s.Protocol)
		set((*string)(&o.Devices), s.Devices)
		set(&o.Note, s.Note)
		return o, nil
	})
	if err != nil {
		return said(err)
	}
	c.warnOf(found.Home.Terms, found.Account)
	return c.sayAccount(found.Home.Terms, found.Account)
}

// putAccount stores the account that change makes of what is stored now, and warns of
// what formats can't say.
func (app *application) putAccount(c *call, address settings.Address, change func(before *policy.Account) (policy.Account, error)) error {
	account, terms, err := app.admin().PutAccount(c, admin.CommandLine(), address, change)
	if err != nil {
		return spoken(said(err), nil)
	}
	c.warnOf(terms, account)
	return c.sayAccount(terms, account)
}

// warnOf says what formats can't carry of an account.
func (c *call) warnOf(t *policy.Terms, a policy.Account) {
	for _, w := range limits(t.Settings(a.Address, a)) {
		fmt.Fprintln(c.std.err, "warning:", w.Text)
	}
}

type accountRemoveCmd struct {
	Address string `arg:"" help:"The mailbox's primary address."`
}

func (r *accountRemoveCmd) Help() string {
	return `Removes an account from our own database; its address then gets the default. Of an account that is kept
in another source, its override is removed.

Example:
  autoconfig account remove workshop@example.com`
}

func (r *accountRemoveCmd) Run(c *call, app *application) error {
	found, err := app.found(c, r.Address)
	if err != nil {
		return err
	}
	a := found.Account
	if found.Source != "" {
		if found.Override.IsZero() {
			return refusal{fmt.Errorf("%s comes from the source %s, which this service only reads: remove it there", a.Address, found.Source)}
		}
		return said(app.admin().RemoveOverride(c, admin.CommandLine(), a.Address, nil))
	}
	typed, err := settings.ParseAddress(r.Address)
	if err != nil {
		return err
	}
	if a.Address.Key() != typed.Key() {
		return refusal{fmt.Errorf("%w, which is removed by that address; take another address away with: autoconfig account set %s --no-also ADDRESS", admin.LeadsTo{Asked: typed, Account: a.Address}, a.Address)}
	}
	return said(app.admin().RemoveAccount(c, admin.CommandLine(), typed, nil))
}
