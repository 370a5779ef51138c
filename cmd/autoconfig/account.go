package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

type accountCmd struct {
	List   accountListCmd   `cmd:"" help:"List the accounts of which more is known than their address."`
	Show   accountShowCmd   `cmd:"" help:"Show what is known of an account."`
	Add    accountAddCmd    `cmd:"" help:"Add an account."`
	Set    accountSetCmd    `cmd:"" help:"Change an account."`
	Remove accountRemoveCmd `cmd:"" help:"Remove an account; its address then gets the default."`
	Forget accountForgetCmd `cmd:"" help:"Put a pseudonym in its place in links and the audit log."`
}

type accountListCmd struct {
	demoFlag
	jsonFlag
	Domain string `help:"Only of this domain."`
}

// page is how many accounts are read at once.
const page = 1000

func (l *accountListCmd) Run(c *call) error {
	source, err := l.open(c)
	if err != nil {
		return err
	}
	defer source.close()
	domain := ""
	if l.Domain != "" {
		t, err := source.terms(c, l.Domain)
		if err != nil {
			return err
		}
		domain = t.Name
	}
	accounts := []policy.Account{}
	for after := ""; ; {
		more, err := source.store.Accounts(c, domain, after, page)
		if err != nil {
			return err
		}
		accounts = append(accounts, more...)
		if len(more) < page {
			break
		}
		after = more[len(more)-1].Address.Key()
	}
	if l.JSON {
		return c.json(accounts)
	}
	rows := [][]string{{"ADDRESS", "NAME", "DEVICES", "QUOTA", "GROUPS", "PROTOCOL", "LOGIN"}}
	for _, a := range accounts {
		rows = append(rows, []string{a.Address.String(), a.Name, string(a.Devices), quotaText(a.Quota), strings.Join(a.Groups, " "), upper(a.Protocol), a.Login})
	}
	return c.table(rows)
}

func quotaText(b policy.Bytes) string {
	if b == 0 {
		return ""
	}
	return b.String()
}

type accountShowCmd struct {
	demoFlag
	jsonFlag
	Address string `arg:"" help:"The address, or another one of the same mailbox."`
}

func (s *accountShowCmd) Run(c *call) error {
	source, err := s.open(c)
	if err != nil {
		return err
	}
	defer source.close()
	a, err := source.account(c, s.Address)
	if err != nil {
		return err
	}
	if s.JSON {
		return c.json(a)
	}
	var others []string
	for _, o := range a.Addresses {
		others = append(others, o.String())
	}
	return c.table([][]string{
		{"address", a.Address.String()},
		{"name", a.Name},
		{"login", a.Login},
		{"devices", string(a.Devices)},
		{"quota", quotaText(a.Quota)},
		{"groups", strings.Join(a.Groups, " ")},
		{"protocol", upper(a.Protocol)},
		{"also", strings.Join(others, " ")},
	})
}

// account finds an account by any of its addresses.
func (o *opened) account(c *call, text string) (policy.Account, error) {
	typed, err := settings.ParseAddress(text)
	if err != nil {
		return policy.Account{}, err
	}
	t, err := o.terms(c, typed.Domain())
	if err != nil {
		return policy.Account{}, err
	}
	for _, address := range []settings.Address{t.Primary(typed).Unquoted(), t.Mailbox(typed)} {
		a, err := o.store.Account(c, address.Key())
		if !errors.Is(err, directory.ErrNotFound) {
			return a, err
		}
	}
	return policy.Account{}, refusal{fmt.Errorf("nothing is known of %s: it gets what everybody gets; see: autoconfig explain %s", text, text)}
}

// accountFlags change an account; what isn't given stays.
type accountFlags struct {
	Name     *string  `help:"The person's name; empty to forget it."`
	Login    *string  `help:"Name at the servers; empty for what the username pattern gives."`
	Devices  *string  `help:"one or several; empty for not known."`
	Quota    *string  `help:"Size of the mailbox, such as 500MB; empty for not known."`
	Group    []string `help:"A group that it is in; may be repeated."`
	NoGroup  []string `help:"A group to take it out of; may be repeated." placeholder:"GROUP"`
	Protocol *string  `help:"imap or pop3 set by hand; empty to let the policy decide."`
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

func (a *accountAddCmd) Run(c *call) error {
	return changeAccount(c, a.Address, func(t *policy.Terms, target *opened) (policy.Account, error) {
		typed := settings.MustAddress(a.Address) // changeAccount has parsed it
		_, err := target.store.Account(c, t.Primary(typed).Key())
		if err == nil {
			return policy.Account{}, refusal{fmt.Errorf("%s is known already; change it with: autoconfig account set %s", a.Address, a.Address)}
		} else if !errors.Is(err, directory.ErrNotFound) {
			return policy.Account{}, err
		}
		account := policy.Account{Address: typed}
		return account, a.change(&account)
	})
}

type accountSetCmd struct {
	accountFlags
	Address string `arg:"" help:"The address, or another one of the same mailbox."`
}

func (s *accountSetCmd) Help() string {
	return `Changes what is given and leaves the rest.

Examples:
  autoconfig account set office@example.com --protocol pop3
  autoconfig account set office@example.com --protocol ""    # let the policy decide again`
}

func (s *accountSetCmd) Run(c *call) error {
	return changeAccount(c, s.Address, func(_ *policy.Terms, target *opened) (policy.Account, error) {
		account, err := target.account(c, s.Address)
		if err != nil {
			return account, err
		}
		return account, s.change(&account)
	})
}

// changeAccount checks the account that change makes, in its domain, and stores it.
func changeAccount(c *call, address string, change func(*policy.Terms, *opened) (policy.Account, error)) error {
	typed, err := settings.ParseAddress(address)
	if err != nil {
		return err
	}
	target, err := openSite(c)
	if err != nil {
		return err
	}
	defer target.close()
	t, err := target.terms(c, typed.Domain())
	if err != nil {
		return err
	}
	account, err := change(t, target)
	if err != nil {
		return err
	}
	if err := t.CheckAccount(account); err != nil {
		return refusal{err}
	}
	for _, w := range limits(t.Settings(account.Address, account)) {
		fmt.Fprintln(c.std.err, "warning:", w.Text)
	}
	return target.store.PutAccount(c, account)
}

type accountRemoveCmd struct {
	Address string `arg:"" help:"The mailbox's primary address."`
}

func (r *accountRemoveCmd) Run(c *call) error {
	target, err := openSite(c)
	if err != nil {
		return err
	}
	defer target.close()
	a, err := target.account(c, r.Address)
	if err != nil {
		return err
	}
	if typed, err := settings.ParseAddress(r.Address); err != nil || typed.Key() != a.Address.Key() {
		return refusal{fmt.Errorf("%s leads to the account %s, which is removed by that address; take another address away with: autoconfig account set %s --no-also ADDRESS", r.Address, a.Address, a.Address)}
	}
	return target.store.RemoveAccount(c, a.Address.Key())
}

type accountForgetCmd struct {
	Address string `arg:"" help:"The address that is to be forgotten."`
}

func (f *accountForgetCmd) Help() string {
	return `Withdraws the address's links, and puts a pseudonym in its place wherever links and the audit
log name it. What is known of the account itself stays until: autoconfig account remove

Example:
  autoconfig account forget workshop@example.com`
}

func (f *accountForgetCmd) Run(c *call) error {
	typed, err := settings.ParseAddress(f.Address)
	if err != nil {
		return err
	}
	target, err := openSite(c)
	if err != nil {
		return err
	}
	defer target.close()
	pseudonym := "forgotten-" + strings.ToLower(rand.Text()[:10])
	n, err := target.store.Forget(c, typed.Key(), pseudonym, time.Now())
	if err != nil {
		return err
	}
	if err := target.log(c, "address forgotten", pseudonym, typed.Domain(), ""); err != nil {
		return err
	}
	c.printf("%d links and entries now say %s.\n", n, pseudonym)
	return nil
}
