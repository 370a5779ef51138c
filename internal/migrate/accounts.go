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

// Counts are what an import comes to.
type Counts struct {
	Lines   int `json:"lines"`
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
	Refused int `json:"refused"` // everything that was refused; a line may have several
}

// Empty tells whether nothing is to do.
func (c Counts) Empty() bool { return c.Added == 0 && c.Changed == 0 }

// AccountImport adds the accounts of a file, and changes those that are there: what
// a line doesn't say stays. The file is read twice: [AccountImport.Judge] changes
// nothing, so that a bad file keeps nobody waiting, and [AccountImport.Write], in
// one transaction, validates again while it writes. Of the
// store's accounts never more than a batch is in memory, and of the file's
// fingerprints of their addresses.
type AccountImport struct {
	Format Format
	// Refused is told of everything that is refused, in the order in which it is found.
	Refused func(Refusal)
	// Changed is told of what will be, with the domain's terms: before is nil for an
	// account that is new.
	Changed func(before *policy.Account, after policy.Account, terms *policy.Terms)
	// Read is told how many lines were read since it was told last.
	Read func(lines int)

	moved map[string][]string // accounts that give addresses to others, by their keys
}

// Judge reads a file and holds it against what is stored.
func (i *AccountImport) Judge(ctx context.Context, from Reader, file io.Reader) (Counts, error) {
	i.moved = map[string][]string{}
	r := &accountRun{AccountImport: i, from: from, claims: newClaims(), put: func([]policy.Account) error { return nil }}
	err := r.run(ctx, file)
	return r.counts, err
}

// Write reads the validated file once more and stores what it says. It ends
// with [ErrRefused] if something is refused now that was valid before.
func (i *AccountImport) Write(ctx context.Context, to Target, file io.Reader) (Counts, error) {
	if err := i.release(ctx, to); err != nil {
		return Counts{}, err
	}
	again := *i
	again.Changed = nil // it was told
	again.moved = map[string][]string{}
	r := &accountRun{
		AccountImport: &again, from: to, claims: newClaims(),
		put: func(a []policy.Account) error { return to.PutAccounts(ctx, a) },
	}
	err := r.run(ctx, file)
	if err == nil && (r.counts.Refused > 0 || len(r.conflicts) > 0) {
		err = ErrRefused // those that were known are released
	}
	return r.counts, err
}

// release takes addresses away that the file gives to another account: whichever of
// the two is written first, the address is free.
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

// accountRun is one reading of a file.
type accountRun struct {
	*AccountImport
	from      Reader
	put       func([]policy.Account) error
	terms     map[string]*policy.Terms // by primary names and aliases
	claims    *claims
	conflicts []conflict
	counts    Counts
}

// conflict is an address that a line gives to one account while the store has it
// with another. Whether that one keeps it is known when the whole file was read.
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
		return nil // nothing will come of it; the rest is only validated
	}
	return r.put(write)
}

// learn asks for the terms of the batch's domains that aren't known yet: a file mostly
// has accounts of a few of them.
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

// owners are the stored accounts that have addresses of the batch, by each of
// their addresses.
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

// addressesOf are an account's own address and its other ones.
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

// line validates one line, and tells whether its account is to be written.
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

// claim notes the account's addresses, and finds those that aren't free.
func (r *accountRun) claim(line int, a policy.Account, owners map[string]*policy.Account) {
	own := a.Address.Key()
	for n, address := range addressesOf(a) {
		field, key := "address", address.Key()
		if n > 0 {
			field = fmt.Sprintf("addresses[%d]", n-1)
		}
		if other, ok := r.claims.add(key, claim{int32(min(line, math.MaxInt32)), n == 0}); !ok { //nolint:gosec // bounded
			if int(other.line) != line { // else it stands twice in the line, which was said
				r.refuse(line, field, "%s is already in line %d", address, other.line)
			}
			continue
		}
		if owner := owners[key]; n > 0 && owner != nil && owner.Address.Key() != own {
			r.conflicts = append(r.conflicts, conflict{line, field, key, owner.Address.Key()})
		}
	}
}

// resolveConflicts looks again at the addresses that the store has with another account:
// a line further down may have taken them from it.
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
