package links

import (
	"context"
	"time"
)

// Notice is what a program of the operator's is told about a link. Link, Kind and Number name it. It has nothing of the
// person: neither the address nor the note, and nothing that opens the link.
type Notice struct {
	Link   string
	Domain string
	// Kind is one of [NoticeKinds].
	Kind Kind
	// Number counts the uses; it is 1 for what is told once.
	Number int
	// At is when it happens; it isn't told before.
	At time.Time
}

// The kinds of notices beside those of events.
const (
	NoticeUsed    = Kind(Used) // each use
	NoticeRevoked = Kind(Revoked)
	NoticeExpired = Kind(Expired) // without a use
)

// NoticeKinds are all kinds of notices.
var NoticeKinds = []Kind{Opened, NoticeUsed, Shown, Download, NoticeRevoked, NoticeExpired}

// NoticeStore stores notices.
type NoticeStore interface {
	// Together runs f in one transaction, which everything that is done with its context joins.
	Together(ctx context.Context, f func(ctx context.Context) error) error
	// PutNotice stores a notice, unless it was stored before.
	PutNotice(ctx context.Context, n Notice) error
}

// together runs an act that reports whether it has done anything, and then stores what is to be told about it, in
// one transaction: what has happened is told, and what hasn't isn't.
func (k *Keeper) together(ctx context.Context, act func(ctx context.Context) (bool, error),
	notice func(ctx context.Context) (Notice, error),
) (done bool, err error) {
	if !k.Tell {
		return act(ctx)
	}
	err = k.Store.Together(ctx, func(ctx context.Context) error {
		if done, err = act(ctx); err != nil || !done {
			return err
		}
		n, err := notice(ctx)
		if err != nil {
			return err
		}
		return k.Store.PutNotice(ctx, n)
	})
	return done, err
}

// noticeOf makes notices of which a link has one at most.
func noticeOf(l Link, kind Kind, at time.Time) func(context.Context) (Notice, error) {
	return func(context.Context) (Notice, error) { return Notice{l.ID, l.Domain, kind, 1, at}, nil }
}
