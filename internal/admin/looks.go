package admin

import (
	"context"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// NoteShown notes that an actor looks at an account, by its address and its domain.
func (a *Admin) NoteShown(ctx context.Context, by staff.Actor, account settings.Address, domain string) error {
	return a.note(ctx, by, staff.Entry{Action: "account shown", Subject: account.String(), Domain: domain})
}

// NoteExported notes that an actor takes the audit log away.
func (a *Admin) NoteExported(ctx context.Context, by staff.Actor) error {
	return a.note(ctx, by, staff.Entry{Action: "audit log exported"})
}

// note writes down what changes nothing. What can't be written isn't shown.
func (a *Admin) note(ctx context.Context, by staff.Actor, e staff.Entry) error {
	return directory.Unavailable(a.act(ctx, by, func(context.Context) (staff.Entry, error) { return e, nil }))
}
