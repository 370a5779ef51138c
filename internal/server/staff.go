package server

import (
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// StaffOptions are what a Server needs.
type StaffOptions struct {
	Directory *directory.Directory
	// Checks are the last results of checking domains; nil for none.
	Checks Checks
	// Links are the setup links; nil for none.
	Links *links.Keeper
	// LinkLife and LinkUses are a link's where nothing else is asked for.
	LinkLife time.Duration
	LinkUses int
	// Desk is the help desk's staff; Site is what they and programs read and change.
	Desk *staff.Desk
	Site Site
	// OIDC is the help desk's identity provider; nil for none.
	OIDC *OIDC
}

// Server is the help desk and the API.
type Server struct {
	*web.App
	lookup.Lookup
	Desk                     *staff.Desk
	Site                     Site
	Links                    *links.Keeper
	Checks                   Checks
	LinkLife                 time.Duration
	LinkUses                 int
	signIns, devices, tokens *web.Attempts
	oidc                     *identity
	admin                    *admin.Admin
}

// NewStaff prepares a Server.
func NewStaff(app *web.App, o StaffOptions) *Server {
	s := &Server{
		App: app, Lookup: lookup.Lookup{Directory: o.Directory},
		Desk: o.Desk, Site: o.Site, Links: o.Links, Checks: o.Checks, LinkLife: o.LinkLife, LinkUses: o.LinkUses,
		signIns: app.Attempts("sign-in", signIns), devices: app.Attempts("device", deviceSignIns), tokens: app.Attempts("token", tokenGuesses),
	}
	s.admin = &admin.Admin{
		Store: o.Site, Directory: o.Directory, Links: o.Links, Desk: o.Desk, Catalogue: app.Pages.Catalogue,
		PublicURL: app.PublicURL, LinkLife: o.LinkLife, LinkUses: o.LinkUses, Now: app.Now,
	}
	if o.OIDC != nil {
		s.oidc = &identity{OIDC: *o.OIDC, now: app.Now, logger: app.Logger}
	}
	return s
}
