package admin

import (
	"context"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// NoteShown records that an actor has looked at an account.
func (a *Admin) NoteShown(ctx context.Context, by staff.Actor, account settings.Address, domain string) error {
	return a.note(ctx, by, staff.Entry{Action: "account shown", Subject: account.String(), Domain: domain})
}

// NoteExported records that an actor has exported the audit log.
func (a *Admin) NoteExported(ctx context.Context, by staff.Actor) error {
	return a.note(ctx, by, staff.Entry{Action: "audit log exported"})
}

// note adds an entry for something that changes nothing. If it fails, nothing is shown.
func (a *Admin) note(ctx context.Context, by staff.Actor, e staff.Entry) error {
	return directory.Unavailable(a.act(ctx, by, func(context.Context) (staff.Entry, error) { return e, nil }))
}
