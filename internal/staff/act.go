package staff

import (
	"context"
	"time"
)

// Act does something and writes down that it was done: both happen or neither. do gives
// the entry, all but its time and its actor; one without an action isn't written, where
// nothing was done. What do does must be done with its context, and do may be run again.
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
