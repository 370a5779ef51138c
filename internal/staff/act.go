package staff

import (
	"context"
	"time"
)

// Act does something and adds an audit entry, both or neither. do returns the entry, without its
// time and actor; an entry without an action means that nothing was done, and isn't added. do must
// use its context, and may be called again.
func Act(ctx context.Context, j Journal, at time.Time, by Actor, do func(ctx context.Context) (Entry, error)) error {
	return j.Together(ctx, func(ctx context.Context) error {
		e, err := do(ctx)
		if err != nil || e.Action == "" {
			return err
		}
		e.At, e.Actor, e.ActorID, e.Issuer = at.UTC().Truncate(time.Second), by.Name, by.ID, by.Issuer
		return j.AddEntry(ctx, e)
	})
}
