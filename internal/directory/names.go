package directory

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"
)

// The domain names that sources list are kept in our own database, so that they can be
// listed, checked on schedule and published while a source is down, and no request waits
// for a list.

// ListedName is a domain name that a source lists.
type ListedName struct {
	Source string
	SourceName
}

// NameStore keeps the listed names. The store implements it.
type NameStore interface {
	// TakeLease is that of doctor.Results.
	TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
	// PutNames keeps names of a source. A name that a source earlier in order lists too
	// stays with that one.
	PutNames(ctx context.Context, source string, order []string, names []SourceName) error
	// NamesOf returns up to limit names of a source, in order, after the given one.
	NamesOf(ctx context.Context, source, after string, limit int) ([]string, error)
	// RemoveNames removes names of a source, and their published documents.
	RemoveNames(ctx context.Context, source string, names []string) error
	// NamedSources returns the sources whose names are kept.
	NamedSources(ctx context.Context) ([]string, error)
}

// MaxNames bounds the names that are kept of one source. Others are served but not listed.
const MaxNames = 200_000

const (
	namesPage  = 1000
	namesAgain = time.Minute // after a failure
)

// Lister updates the kept names.
type Lister struct {
	Store   NameStore
	Sources []SourceOptions
	// HasPlan reports whether there is such a plan.
	HasPlan func(ctx context.Context, plan string) (bool, error)
	Logger  *slog.Logger
	// Holder names this process in leases.
	Holder string
	// Now is time.Now if nil.
	Now func() time.Time
}

// Freshen reads the names of the sources whose lists have expired. It returns the
// failures by source; the last lists of those stay.
func (l *Lister) Freshen(ctx context.Context) (map[string]error, error) {
	if err := l.forgetOthers(ctx); err != nil {
		return nil, err
	}
	failed := map[string]error{}
	for i, s := range l.Sources {
		if err := l.freshen(ctx, s, l.order()[:i+1]); err != nil {
			failed[s.Name] = err
		}
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
	}
	return failed, nil
}

func (l *Lister) order() (names []string) {
	for _, s := range l.Sources {
		names = append(names, s.Name)
	}
	return names
}

// freshen takes a lease for as long as the list lasts, so that no other process reads it
// meanwhile.
func (l *Lister) freshen(ctx context.Context, s SourceOptions, order []string) error {
	every := s.DomainsEvery
	if every == 0 {
		every = DefaultDomainsEvery
	}
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	lease := "domains of " + s.Name
	holder := fmt.Sprintf("%s %d", l.Holder, now.UnixNano())
	mine, err := l.Store.TakeLease(ctx, lease, holder, now, now.Add(every))
	if err != nil || !mine {
		return err
	}
	err = l.read(ctx, s, order)
	if err != nil {
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), namesAgain)
		defer cancel()
		_, _ = l.Store.TakeLease(again, lease, holder, now, now.Add(namesAgain))
	}
	return err
}

// read goes through a source's list in pages, writes what is new, and then removes
// what it doesn't have any more. Of all names it remembers a digest.
func (l *Lister) read(ctx context.Context, s SourceOptions, order []string) error {
	seen := map[uint64]bool{}
	plans := map[string]bool{}
	var page []SourceName
	write := func() error {
		err := l.Store.PutNames(ctx, s.Name, order, page)
		page = page[:0]
		return err
	}
	full := false
	err := s.Source.Domains(ctx, func(n SourceName) error {
		plan := n.Domain.Plan
		if plan == "" {
			plan = s.Plan
		}
		good, known := plans[plan]
		if !known {
			var err error
			if good, err = l.HasPlan(ctx, plan); err != nil {
				return err
			}
			plans[plan] = good
		}
		if !good || seen[digestOfName(n.Name)] {
			return nil
		}
		if len(seen) == MaxNames {
			full = true
			return errFull
		}
		seen[digestOfName(n.Name)] = true
		if page = append(page, n); len(page) == namesPage {
			return write()
		}
		return nil
	})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		err = nil
	case full:
		err = nil
		l.Logger.Warn("the source has more domains than are listed: the others are served, and not checked",
			"source", s.Name, "listed", MaxNames)
	}
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return l.forget(ctx, s.Name, func(name string) bool { return !seen[digestOfName(name)] })
}

// forget removes the kept names of a source that are gone.
func (l *Lister) forget(ctx context.Context, source string, gone func(string) bool) error {
	for after := ""; ; {
		names, err := l.Store.NamesOf(ctx, source, after, namesPage)
		if err != nil || len(names) == 0 {
			return err
		}
		after = names[len(names)-1]
		var remove []string
		for _, name := range names {
			if gone(name) {
				remove = append(remove, name)
			}
		}
		if len(remove) == 0 {
			continue
		}
		if err := l.Store.RemoveNames(ctx, source, remove); err != nil {
			return err
		}
	}
}

// forgetOthers removes the names of sources that are no longer configured.
func (l *Lister) forgetOthers(ctx context.Context) error {
	named, err := l.Store.NamedSources(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, name := range l.order() {
		known[name] = true
	}
	for _, source := range named {
		if known[source] {
			continue
		}
		if err := l.forget(ctx, source, func(string) bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

func digestOfName(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum64()
}
