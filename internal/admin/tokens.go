package admin

import (
	"context"

	"autoconfig/internal/staff"
)

// MakeToken makes a token and returns its text, which isn't kept. [staff.ErrToken] means that the request
// is invalid.
func (a *Admin) MakeToken(
	ctx context.Context, by staff.Actor, t staff.Token,
) (text string, made staff.Token, err error) {
	t.MadeBy = by.Name
	return a.Desk.MakeToken(ctx, by, t)
}

// RevokeToken revokes a token; one that doesn't exist is [staff.ErrUnknown].
func (a *Admin) RevokeToken(ctx context.Context, by staff.Actor, id string) error {
	return a.act(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "token revoked", Subject: id}, a.Store.RemoveToken(ctx, id)
	})
}
