package sqldir

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// maxHops bounds the aliases between a typed address and its mailbox.
const maxHops = 3

// Account is that of [directory.Source]. What can't be told for sure is not found: a
// [directory.Discarded] where there is something.
func (s *Source) Account(ctx context.Context, typed settings.Address) (policy.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	seen := map[string]bool{}
	for address := typed; ; {
		seen[address.Key()] = true
		account, err := s.mailbox(ctx, address)
		if err == nil || errors.As(err, new(directory.Discarded)) {
			if len(seen) == 1 { // as many questions as for an address that isn't there: the time must not tell
				_, _ = s.target(ctx, address)
			}
			if err != nil {
				return policy.Account{}, err
			}
			return withAddress(account, typed), nil
		}
		if !errors.Is(err, directory.ErrNotFound) {
			return policy.Account{}, err
		}
		target, err := s.target(ctx, address)
		switch {
		case errors.Is(err, directory.ErrNotFound) && len(seen) > 1 && !errors.As(err, new(directory.Discarded)):
			return policy.Account{}, directory.Discarded{Why: "it is an alias of an address that is no mailbox here"}
		case err != nil:
			return policy.Account{}, err
		case seen[target.Key()] && target.Key() == address.Key():
			return policy.Account{}, directory.Discarded{Why: "it is an alias of itself, and no mailbox"}
		case seen[target.Key()] || len(seen) > maxHops:
			return policy.Account{}, directory.Discarded{Why: "it is an alias of aliases that lead in a circle, or over more " +
				"than " + strconv.Itoa(maxHops) + " steps", Fault: true}
		}
		address = target
	}
}

// withAddress is the account with the address that led to it among its own.
func withAddress(account policy.Account, typed settings.Address) policy.Account {
	key := typed.Key()
	if account.Address.Key() == key {
		return account
	}
	for _, other := range account.Addresses {
		if other.Key() == key {
			return account
		}
	}
	account.Addresses = append(account.Addresses, typed)
	return account
}

func parameters(address settings.Address) map[string]any {
	return map[string]any{
		"address": address.Key(), "local": settings.LocalKey(address.Local()),
		"domain": address.Domain(),
	}
}

// forms asks a query for both ways to write a domain: databases have
// internationalized ones in either.
func (s *Source) forms(
	ctx context.Context, q *query, domain string, values func(domain string) map[string]any,
) ([]row, error) {
	rows, err := s.all(ctx, q, values(domain), maxRows)
	if unicode := settings.UnicodeDomain(domain); err == nil && unicode != domain {
		var more []row
		more, err = s.all(ctx, q, values(unicode), maxRows)
		rows = append(rows, more...)
	}
	return rows, err
}

func (s *Source) about(ctx context.Context, q *query, address settings.Address) ([]row, error) {
	return s.forms(ctx, q, address.Domain(), func(domain string) map[string]any {
		return parameters(address.WithDomain(domain))
	})
}

// mailbox asks for an address as a mailbox's own.
func (s *Source) mailbox(ctx context.Context, address settings.Address) (policy.Account, error) {
	rows, err := s.about(ctx, s.account, address)
	if err != nil {
		return policy.Account{}, err
	}
	all := len(rows)
	rows = slices.DeleteFunc(rows, func(r row) bool {
		parsed, err := settings.ParseAddress(r.text("address"))
		return err == nil && !s.believable(address, parsed) || err != nil && isCatchAll(r.text("address"))
	})
	if len(rows) == 0 {
		if all > 0 {
			s.logger.Debug("a catch-all, or another address that the database takes for the same",
				slog.String("address", address.String()))
		}
		return policy.Account{}, directory.ErrNotFound
	}
	for _, r := range rows[1:] {
		if r.key() != rows[0].key() {
			s.ambiguous.Add(1)
			s.logger.Debug("an address leads to several mailboxes", slog.String("address", address.String()))
			return policy.Account{}, directory.Discarded{Why: "several mailboxes have it, so it counts as not known: the " +
				"query must find one", Fault: true}
		}
	}
	account, err := s.gather(rows)
	if err != nil {
		s.logger.Debug("a mailbox isn't used", slog.String("address", address.String()), slog.String("reason", err.Error()))
	}
	return account, err
}

// isCatchAll tells a row for a whole domain from an account's.
func isCatchAll(text string) bool {
	domain, found := strings.CutPrefix(strings.TrimLeft(text, "*%"), "@")
	_, err := settings.ParseDomain(domain)
	return found && err == nil
}

// believable tells whether an answer may be for the address that was asked for. A
// query may well lead to another mailbox. But where letters outside of ASCII are in
// play, the database may only have compared them loosely, as MariaDB's collations
// take ü for u: then only the same address will do.
func (s *Source) believable(asked, answered settings.Address) bool {
	if asked.Key() == answered.Key() || isASCII(asked.Local()) && isASCII(answered.Local()) {
		return true
	}
	s.disbelieved.Add(1)
	s.logger.Debug("the database takes two addresses for the same", slog.String("address", asked.String()))
	return false
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// target is the one address to which an alias leads; [directory.ErrNotFound] for none.
// It asks as many questions whatever that is.
func (s *Source) target(ctx context.Context, address settings.Address) (settings.Address, error) {
	target, err := s.aliasTarget(ctx, address)
	if s.domain == nil || err != nil && !errors.Is(err, directory.ErrNotFound) {
		return target, err
	}
	// The address may be in another name of the mailbox's domain.
	domain, failed := s.primary(ctx, address.Domain())
	switch {
	case err == nil || errors.As(err, new(directory.Discarded)):
		return target, err
	case failed != nil && !errors.Is(failed, directory.ErrNotFound):
		return settings.Address{}, failed
	case failed != nil || domain.Name == address.Domain():
		return settings.Address{}, directory.ErrNotFound
	}
	return address.WithDomain(domain.Name), nil
}

// aliasTarget asks the alias query.
func (s *Source) aliasTarget(ctx context.Context, address settings.Address) (target settings.Address, err error) {
	if s.alias == nil {
		return settings.Address{}, directory.ErrNotFound
	}
	rows, err := s.about(ctx, s.alias, address)
	if err != nil {
		return settings.Address{}, err
	}
	targets, found := map[string]settings.Address{}, false
	for _, r := range rows {
		if _, says := r["address"]; says {
			alias, err := settings.ParseAddress(r.text("address"))
			if err != nil || alias.Key() != address.Key() {
				if err == nil {
					s.disbelieved.Add(1)
				}
				continue // another one, or a catch-all
			}
		}
		found = true
		for _, word := range r.words("target") {
			parsed, err := settings.ParseAddress(word)
			if err != nil {
				targets[word] = settings.Address{} // a command, a file, a list: it leads elsewhere
				continue
			}
			targets[parsed.Key()] = parsed
		}
	}
	switch {
	case len(targets) == 0 && !found:
		return settings.Address{}, directory.ErrNotFound
	case len(targets) == 0:
		return settings.Address{}, directory.Discarded{Why: "it is an alias that leads nowhere", Fault: true}
	case len(targets) > 1:
		return settings.Address{}, directory.Discarded{Why: "it is an alias of several addresses"}
	}
	for _, target = range targets {
		break
	}
	if target.IsZero() {
		return target, directory.Discarded{Why: "it is an alias that leads to something else than an address"}
	}
	return target, nil
}

// Domain is that of [directory.Source].
func (s *Source) Domain(ctx context.Context, name string) (directory.SourceDomain, error) {
	if s.domain == nil {
		return directory.SourceDomain{}, directory.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.primary(ctx, name)
}

// primary asks the domain query; [directory.ErrNotFound] is a domain that isn't served.
func (s *Source) primary(ctx context.Context, name string) (directory.SourceDomain, error) {
	rows, err := s.forms(ctx, s.domain, name, func(name string) map[string]any { return map[string]any{"domain": name} })
	if err != nil {
		return directory.SourceDomain{}, err
	}
	var domain directory.SourceDomain
	var why error = directory.ErrNotFound
	for _, r := range rows {
		one, err := s.domainOf(r)
		switch {
		case err != nil:
			why = err
			continue
		case domain.Name != "" && domain.Name != one.Name:
			s.ambiguous.Add(1)
			return directory.SourceDomain{}, directory.Discarded{Why: "it is a name of several domains", Fault: true}
		}
		domain.Name = one.Name
		domain.Plan = cmp.Or(domain.Plan, one.Plan)
	}
	if domain.Name == "" {
		return domain, why
	}
	return domain, nil
}

// domainOf reads a row of a domain.
func (s *Source) domainOf(r row) (directory.SourceDomain, error) {
	name, err := settings.ParseDomain(r.text("domain"))
	switch {
	case !r.active():
		return directory.SourceDomain{}, directory.Discarded{Why: "the domain is out of use (active)"}
	case err != nil:
		s.unusable.Add(1)
		return directory.SourceDomain{}, directory.Discarded{Why: "its name is no domain name", Fault: true}
	case !usable(r.text("plan")):
		s.unusable.Add(1)
		return directory.SourceDomain{}, directory.Discarded{Why: "its plan's name can't be used: it is too long, or has " +
			"control characters", Fault: true}
	}
	return directory.SourceDomain{Name: name, Plan: r.text("plan")}, nil
}
