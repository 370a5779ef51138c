package sqldir

import (
	"context"
	"log/slog"
	"slices"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// maxHops bounds the aliases between a typed address and its mailbox.
const maxHops = 3

// Account is that of [directory.Source]. What can't be told for sure is not found.
func (s *Source) Account(ctx context.Context, typed settings.Address) (policy.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	seen := map[string]bool{}
	for address := typed; len(seen) <= maxHops && !seen[address.Key()]; {
		seen[address.Key()] = true
		account, known, err := s.mailbox(ctx, address)
		if err != nil {
			return policy.Account{}, err
		}
		if known {
			if len(seen) == 1 { // as many questions as for an address that isn't there: the time must not tell
				_, _ = s.target(ctx, address)
			}
			if account.Address.IsZero() {
				break // there, but it can't be used
			}
			return withAddress(account, typed), nil
		}
		target, err := s.target(ctx, address)
		if err != nil {
			return policy.Account{}, err
		}
		if target.IsZero() {
			break
		}
		address = target
	}
	return policy.Account{}, directory.ErrNotFound
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
	return map[string]any{"address": address.Key(), "local": settings.LocalKey(address.Local()), "domain": address.Domain()}
}

// mailbox asks for an address as a mailbox's own. known is true also for one that is
// there and can't be used, with the zero account.
func (s *Source) mailbox(ctx context.Context, address settings.Address) (account policy.Account, known bool, err error) {
	rows, err := s.all(ctx, s.account, parameters(address), maxRows)
	if err != nil || len(rows) == 0 {
		return policy.Account{}, false, err
	}
	rows = slices.DeleteFunc(rows, func(r row) bool {
		parsed, err := settings.ParseAddress(r.text("address"))
		return err == nil && !s.believable(address, parsed)
	})
	if len(rows) == 0 {
		return policy.Account{}, false, nil
	}
	for _, r := range rows[1:] {
		if r.key() != rows[0].key() {
			s.ambiguous.Add(1)
			s.logger.Debug("an address leads to several mailboxes", slog.String("address", address.String()))
			return policy.Account{}, true, nil
		}
	}
	account, found := s.gather(rows)
	if !found {
		s.logger.Debug("a mailbox is out of use or has a value that can't be used", slog.String("address", address.String()))
		return policy.Account{}, true, nil
	}
	return account, true, nil
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

// target is the one address to which an alias leads, or else none. It asks as many
// questions whatever that is.
func (s *Source) target(ctx context.Context, address settings.Address) (settings.Address, error) {
	target, found, err := s.aliasTarget(ctx, address)
	if err != nil || s.domain == nil {
		return target, err
	}
	// The address may be in another name of the mailbox's domain.
	domain, err := s.primary(ctx, address.Domain())
	switch {
	case found:
		return target, nil
	case err != nil || domain.Name == "" || domain.Name == address.Domain():
		return settings.Address{}, err
	}
	return address.WithDomain(domain.Name), nil
}

// aliasTarget asks the alias query. found is true for an alias that leads to
// several or nowhere, too.
func (s *Source) aliasTarget(ctx context.Context, address settings.Address) (target settings.Address, found bool, err error) {
	if s.alias == nil {
		return settings.Address{}, false, nil
	}
	rows, err := s.all(ctx, s.alias, parameters(address), maxRows)
	if err != nil {
		return settings.Address{}, false, err
	}
	targets := map[string]settings.Address{}
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
		for _, word := range r.words("target") {
			found = true
			parsed, err := settings.ParseAddress(word)
			if err != nil {
				targets[word] = settings.Address{} // a command, a file, a list: it leads elsewhere
				continue
			}
			targets[parsed.Key()] = parsed
		}
	}
	if len(targets) != 1 {
		return settings.Address{}, found, nil
	}
	for _, target = range targets {
		break
	}
	return target, true, nil
}

// Domain is that of [directory.Source].
func (s *Source) Domain(ctx context.Context, name string) (directory.SourceDomain, error) {
	if s.domain == nil {
		return directory.SourceDomain{}, directory.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	domain, err := s.primary(ctx, name)
	if err == nil && domain.Name == "" {
		err = directory.ErrNotFound
	}
	return domain, err
}

// primary asks the domain query; the zero value is a domain that isn't served.
func (s *Source) primary(ctx context.Context, name string) (directory.SourceDomain, error) {
	rows, err := s.all(ctx, s.domain, map[string]any{"domain": name}, maxRows)
	if err != nil {
		return directory.SourceDomain{}, err
	}
	var domain directory.SourceDomain
	for _, r := range rows {
		parsed, err := settings.ParseDomain(r.text("domain"))
		switch {
		case !r.active():
			continue
		case err != nil || !usable(r.text("plan")):
			s.unusable.Add(1)
			continue
		case domain.Name != "" && domain.Name != parsed:
			s.ambiguous.Add(1)
			return directory.SourceDomain{}, nil
		}
		domain.Name = parsed
		if domain.Plan == "" {
			domain.Plan = r.text("plan")
		}
	}
	return domain, nil
}
