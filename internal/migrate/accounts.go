package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Counts are the outcome of an import.
type Counts struct {
	Lines   int `json:"lines"`
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
	Refused int `json:"refused"` // refusals; a line may have several
}

// Empty reports whether there is nothing to do.
func (c Counts) Empty() bool { return c.Added == 0 && c.Changed == 0 }

// AccountImport adds or changes the accounts of a file; what a line leaves out stays. The file
// is read twice: [AccountImport.Judge] only validates, so that a bad file holds no transaction
// open, and [AccountImport.Write] validates again while it writes, in one transaction. Memory
// holds a batch of the stored accounts and fingerprints of the file's addresses.
type AccountImport struct {
	Format Format
	// Refused is called for every refusal, in the order in which they are found.
	Refused func(Refusal)
	// Changed is called for every change, with the domain's terms; before is nil for a new
	// account.
	Changed func(before *policy.Account, after policy.Account, terms *policy.Terms)
	// Read is called with the number of lines read since its last call.
	Read func(lines int)

	moved map[string][]string // by key: accounts that give addresses to others
}

// Judge validates a file against what is stored.
func (i *AccountImport) Judge(ctx context.Context, from Reader, file io.Reader) (Counts, error) {
	i.moved = map[string][]string{}
	r := &accountRun{AccountImport: i, from: from, claims: newClaims(), put: func([]policy.Account) error { return nil }}
	err := r.run(ctx, file)
	return r.counts, err
}

// Write reads the validated file again and stores it. It returns [ErrRefused] if something is
// refused that was valid before.
func (i *AccountImport) Write(ctx context.Context, to Target, file io.Reader) (Counts, error) {
	if err := i.release(ctx, to); err != nil {
		return Counts{}, err
	}
	again := *i
	again.Changed = nil // already reported
	again.moved = map[string][]string{}
	r := &accountRun{
		AccountImport: &again, from: to, claims: newClaims(),
		put: func(a []policy.Account) error { return to.PutAccounts(ctx, a) },
	}
	err := r.run(ctx, file)
	if err == nil && (r.counts.Refused > 0 || len(r.conflicts) > 0) {
		err = ErrRefused // the known conflicts have been released
	}
	return r.counts, err
}

// release removes addresses that the file gives to another account, so that the order of the
// two accounts doesn't matter.
func (i *AccountImport) release(ctx context.Context, to Target) error {
	keys := make([]string, 0, len(i.moved))
	for key := range i.moved {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for some := range slices.Chunk(keys, Batch) {
		owners, err := to.Accounts(ctx, some)
		if err != nil {
			return err
		}
		for n := range owners {
			moved := i.moved[owners[n].Address.Key()]
			owners[n].Addresses = slices.DeleteFunc(slices.Clone(owners[n].Addresses),
				func(a settings.Address) bool { return slices.Contains(moved, a.Key()) })
		}
		if err := to.PutAccounts(ctx, owners); err != nil {
			return err
		}
	}
	return nil
}

// accountRun is one pass over a file.
type accountRun struct {
	*AccountImport
	from      Reader
	put       func([]policy.Account) error
	terms     map[string]*policy.Terms // by primary names and aliases
	claims    *claims
	conflicts []conflict
	counts    Counts
}

// conflict is an address that a line gives to one account while another one has it in the store.
// Whether that one keeps it is known at the end of the file.
type conflict struct {
	line       int
	field      string
	key, owner string
}

func (r *accountRun) run(ctx context.Context, file io.Reader) error {
	r.terms = map[string]*policy.Terms{}
	in, err := readLines(file, r.Format, accountColumns)
	if err != nil {
		return err
	}
	batch := make([]patch[policy.Account], 0, Batch)
	for ended := false; !ended; {
		batch = batch[:0]
		for len(batch) < Batch && !ended {
			p, err := in.next()
			switch {
			case errors.Is(err, io.EOF):
				ended = true
			case err != nil:
				return err
			default:
				batch = append(batch, p)
			}
		}
		if err := errors.Join(ctx.Err(), r.batch(ctx, batch)); err != nil {
			return err
		}
	}
	r.resolveConflicts()
	return nil
}

func (r *accountRun) batch(ctx context.Context, batch []patch[policy.Account]) error {
	owners, err := r.owners(ctx, batch)
	if err != nil {
		return err
	}
	if err := r.learn(ctx, batch, owners); err != nil {
		return err
	}
	write := make([]policy.Account, 0, len(batch))
	for n := range batch {
		if account, ok := r.line(&batch[n], owners); ok {
			write = append(write, account)
		}
	}
	r.counts.Lines += len(batch)
	if r.Read != nil {
		r.Read(len(batch))
	}
	if r.counts.Refused > 0 || len(r.conflicts) > 0 || len(write) == 0 {
		return nil // nothing will be written; the rest is only validated
	}
	return r.put(write)
}

// learn fetches the terms of the batch's domains that aren't known yet. Most files have accounts
// of a few domains.
func (r *accountRun) learn(
	ctx context.Context, batch []patch[policy.Account], owners map[string]*policy.Account,
) error {
	var names []string
	need := func(a policy.Account) {
		for _, address := range addressesOf(a) {
			name := address.Domain()
			if _, asked := r.terms[name]; !asked {
				r.terms[name] = nil // unless it is found
				names = append(names, name)
			}
		}
	}
	for _, p := range batch {
		need(p.value)
	}
	for _, owner := range owners {
		need(*owner)
	}
	if len(names) == 0 {
		return nil
	}
	found, err := r.from.Terms(ctx, names)
	for name, t := range found {
		if r.terms[name] == nil {
			r.terms[name] = t
		}
	}
	return err
}

// owners returns the stored accounts that have addresses of the batch, by each of their
// addresses.
func (r *accountRun) owners(ctx context.Context, batch []patch[policy.Account]) (map[string]*policy.Account, error) {
	var keys []string
	for _, p := range batch {
		for _, a := range addressesOf(p.value) {
			keys = append(keys, a.Key())
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	owners := make(map[string]*policy.Account, len(keys))
	for some := range slices.Chunk(keys, MaxKeys) {
		found, err := r.from.Accounts(ctx, some)
		if err != nil {
			return nil, err
		}
		for n := range found {
			for _, a := range addressesOf(found[n]) {
				owners[a.Key()] = &found[n]
			}
		}
	}
	return owners, nil
}

// addressesOf returns all addresses of an account, the primary one first.
func addressesOf(a policy.Account) []settings.Address {
	if a.Address.IsZero() {
		return a.Addresses
	}
	return append([]settings.Address{a.Address}, a.Addresses...)
}

func (r *accountRun) refuse(line int, field, format string, args ...any) {
	r.counts.Refused++
	if r.Refused != nil {
		r.Refused(Refusal{line, field, fmt.Sprintf(format, args...)})
	}
}

// line validates one line, and reports whether its account is to be written.
func (r *accountRun) line(p *patch[policy.Account], owners map[string]*policy.Account) (policy.Account, bool) {
	for _, why := range p.refused {
		r.counts.Refused++
		if r.Refused != nil {
			r.Refused(why)
		}
	}
	if len(p.refused) > 0 {
		return policy.Account{}, false
	}
	if p.value.Address.IsZero() {
		r.refuse(p.line, "address", "it is empty; an account needs an address")
		return policy.Account{}, false
	}
	refused := r.counts.Refused
	key := p.value.Address.Key()
	before := owners[key]
	if before != nil && before.Address.Key() != key {
		r.conflicts = append(r.conflicts, conflict{p.line, "address", key, before.Address.Key()})
		before = nil
	}
	var after policy.Account
	if before != nil {
		after = *before
	}
	after = p.apply(after, accountColumns)
	r.validate(p.line, after)
	r.claim(p.line, after, owners)
	switch {
	case r.counts.Refused > refused:
		return after, false
	case before == nil:
		r.counts.Added++
	case sameAccount(*before, after):
		r.counts.Same++
		return after, false
	default:
		r.counts.Changed++
	}
	if r.Changed != nil {
		r.Changed(before, after, r.terms[after.Address.Domain()])
	}
	return after, true
}

// validate refuses what the domain's terms don't permit.
func (r *accountRun) validate(line int, a policy.Account) {
	name := a.Address.Domain()
	t := r.terms[name]
	if t == nil {
		r.refuse(line, "address", "there is no domain %s; add it first, with: autoconfig domain add %s, or many with: "+
			"autoconfig import domains", name, name)
		return
	}
	for n, other := range a.Addresses {
		if is := r.terms[other.Domain()]; is != nil && is != t && is.Name == other.Domain() {
			r.refuse(line, fmt.Sprintf("addresses[%d]", n), "%s is in another domain than the mailbox %s", other, a.Address)
			return
		}
	}
	var problems settings.Problems
	if errors.As(t.CheckAccount(a), &problems) {
		for _, p := range problems {
			r.refuse(line, p.Path, "%s", p.Text)
		}
	}
}

// claim records the account's addresses, and finds those that are taken.
func (r *accountRun) claim(line int, a policy.Account, owners map[string]*policy.Account) {
	own := a.Address.Key()
	for n, address := range addressesOf(a) {
		field := "address"
		key := address.Key()
		if n > 0 {
			field = fmt.Sprintf("addresses[%d]", n-1)
		}
		if other, ok := r.claims.add(key, claim{int32(min(line, math.MaxInt32)), n == 0}); !ok { //nolint:gosec // bounded
			if int(other.line) != line { // otherwise it was refused as a duplicate in the line
				r.refuse(line, field, "%s is already in line %d", address, other.line)
			}
			continue
		}
		if owner := owners[key]; n > 0 && owner != nil && owner.Address.Key() != own {
			r.conflicts = append(r.conflicts, conflict{line, field, key, owner.Address.Key()})
		}
	}
}

// resolveConflicts checks the conflicts again: a later line may have taken the address from the
// stored account.
func (r *accountRun) resolveConflicts() {
	for _, c := range r.conflicts {
		if owner, inFile := r.claims.get(c.owner); inFile && owner.primary {
			r.moved[c.owner] = append(r.moved[c.owner], c.key)
			continue
		}
		r.refuse(c.line, c.field, "%s already belongs to the account %s, which is stored", c.key, c.owner)
	}
}

func sameAccount(a, b policy.Account) bool {
	return a.Address == b.Address && a.Name == b.Name && a.Login == b.Login && a.Devices == b.Devices &&
		a.Quota == b.Quota &&
		a.Protocol == b.Protocol && slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Addresses, b.Addresses)
}
