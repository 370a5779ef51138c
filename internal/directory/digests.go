package directory

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" // Evolution sends the MD5 of the address; nothing is secured by it
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"autoconfig/policy"
	"autoconfig/settings"
)

// digestIndex finds addresses of a source that can't be searched by digest. It is
// rebuilt periodically, and takes about 16 bytes per digest plus the addresses.
type digestIndex struct {
	entries []digestEntry // sorted by sum
	text    []byte        // addresses, one a line
	full    bool
}

type digestEntry struct {
	sum uint64 // the first eight bytes of the digest
	at  uint32 // offset of the address in text
}

func (x *digestIndex) size() int { return len(x.entries) }

// errFull ends a walk when the limit is reached.
var errFull = errors.New("the index of digests is full")

// keepIndex builds the index at the start, and rebuilds it every DigestsEvery.
func (d *Directory) keepIndex(ctx context.Context, s *source) {
	for {
		index, err := d.makeIndex(ctx, s)
		every := s.DigestsEvery
		switch {
		case err == nil:
			s.index.Store(index)
			d.logger.Info("the index of digests was read", "source", s.Name, "addresses", index.size())
			if index.full {
				d.logger.Warn("the index of digests is full: programs that send a digest get "+
					"the domain's default for the other accounts", "source", s.Name, "addresses", index.size())
			}
		case errors.Is(err, errors.ErrUnsupported):
			d.logger.Info("the source can't list its accounts: programs that send a digest get the domain's default",
				"source", s.Name)
			return
		case ctx.Err() == nil:
			d.logger.Warn("the index of digests couldn't be read; the last one stays", "source", s.Name, "error", err)
			every = min(every, maxRest)
		}
		if !pause(ctx, every) {
			return
		}
	}
}

func (d *Directory) makeIndex(ctx context.Context, s *source) (*digestIndex, error) {
	x := &digestIndex{}
	names := map[string][]string{} // by primary domain: the names that people may type
	err := s.Source.Walk(ctx, func(a policy.Account) error {
		for _, address := range append([]settings.Address{a.Address}, a.Addresses...) {
			typed, known := names[address.Domain()]
			if !known {
				entry, err := d.Domain(ctx, address.Domain())
				switch {
				case err == nil:
					typed = typedNames(entry.Terms)
				case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUnusable): // those have no names
					return err
				}
				names[address.Domain()] = typed
			}
			if len(x.entries)+len(typed) > s.Digests {
				return errFull
			}
			x.add(address, typed)
		}
		return nil
	})
	if errors.Is(err, errFull) {
		x.full, err = true, nil
	}
	slices.SortFunc(x.entries, func(a, b digestEntry) int { return cmp.Compare(a.sum, b.sum) })
	return x, err
}

func typedNames(t *policy.Terms) []string {
	var all []string
	for _, name := range append([]string{t.Name}, t.Aliases...) {
		all = append(all, slices.Compact([]string{name, settings.UnicodeDomain(name)})...)
	}
	return all
}

func (x *digestIndex) add(a settings.Address, names []string) {
	if len(names) == 0 {
		return
	}
	at := uint32(len(x.text)) //nolint:gosec // bounded by the number of entries
	x.text = append(append(x.text, a.String()...), '\n')
	for _, name := range names {
		sum := digestOf(a.Local(), name)
		x.entries = append(x.entries, digestEntry{binary.BigEndian.Uint64(sum[:]), at})
	}
}

func digestOf(local, name string) [md5.Size]byte {
	return md5.Sum([]byte(strings.ToLower(local + "@" + name)))
}

// nearest finds the address in a domain or its aliases that has this digest, or else
// the next address in the index, whatever its domain, with exact false. found is false
// if there is no index or it is empty.
func (s *source) nearest(t *policy.Terms, digest string) (address settings.Address, exact, found bool) {
	x := s.index.Load()
	want, err := hex.DecodeString(digest)
	if x == nil || len(x.entries) == 0 || err != nil || len(want) != md5.Size {
		return settings.Address{}, false, false
	}
	sum := binary.BigEndian.Uint64(want)
	i, _ := slices.BinarySearchFunc(x.entries, sum, func(e digestEntry, sum uint64) int {
		return cmp.Compare(e.sum, sum)
	})
	if i == len(x.entries) {
		i = 0
	}
	address, exact = x.match(i, t, want)
	// Entries with the same first eight bytes: not by chance, but somebody may construct them.
	for i++; !exact && i < len(x.entries) && x.entries[i].sum == sum; i++ {
		if other, is := x.match(i, t, want); is {
			address, exact = other, true
		}
	}
	return address, exact, !address.IsZero()
}

// match decodes an entry, and reports whether its address is in the domain and has the
// digest.
func (x *digestIndex) match(i int, t *policy.Terms, want []byte) (address settings.Address, exact bool) {
	line, _, _ := bytes.Cut(x.text[x.entries[i].at:], []byte{'\n'})
	address, err := settings.ParseAddress(string(line))
	for _, name := range typedNames(t) {
		full := digestOf(address.Local(), name)
		exact = bytes.Equal(full[:], want) || exact
	}
	return address, exact && err == nil && t.Primary(address) == address
}
