// Package servertest puts the whole service together for tests, as cmd/autoconfig does.
package servertest

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/api"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/helpdesk"
	"autoconfig/internal/links"
	"autoconfig/internal/operator"
	"autoconfig/internal/post"
	"autoconfig/internal/server"
	"autoconfig/internal/staff"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
)

// Site is our own database.
type Site interface {
	admin.Store
	api.Site
	Unwritable() (since time.Time, why error)
}

// Options are those of all rooms. Zero values are good but for Directory and PublicURL.
type Options struct {
	Directory *directory.Directory

	// Of the process, see [web.FrontOptions].
	Limits    web.Limits
	Failures  web.Failures
	Secret    []byte
	Logger    *slog.Logger
	LinesLost func() uint64
	Now       func() time.Time
	Version   string

	// Of a configuration, see [web.Options].
	PublicURL, StaffURL *url.URL
	TrustedProxies      []netip.Prefix
	Rate                web.Rate
	HSTS, Drain         time.Duration
	Templates           fs.FS

	// Of the rooms.
	Links    *links.Keeper
	LinkLife time.Duration
	LinkUses int
	// Outbox takes messages; nil where none are sent. Its Mails are filled in.
	Outbox     *post.Outbox
	Signer     func() *mobileconfig.Identity
	Checks     operator.Checks
	Problems   *operator.Problems
	AdminHosts []string
	Trace      *trace.Trace
	Desk       *staff.Desk
	Site       Site
	OIDC       *helpdesk.OIDC
	// StaffApart says that the help desk has a listener of its own.
	StaffApart bool
}

// Service is the handlers of all rooms.
type Service struct {
	Options
	front    *web.Front
	handlers *web.Handlers
	public   *server.Public
	private  *operator.Private
	desk     *helpdesk.Desk
	api      *api.API
}

// New is a service that has just started.
func New(o Options) (*Service, error) {
	front := web.NewFront(web.FrontOptions{
		Limits: o.Limits, Failures: o.Failures, Secret: o.Secret, Logger: o.Logger, LinesLost: o.LinesLost, Now: o.Now,
		Version: o.Version,
	})
	return build(front, o)
}

// Reload puts a service with other options in the place of this one.
func (s *Service) Reload(o Options) (*Service, error) { return build(s.front, o) }

func build(front *web.Front, o Options) (*Service, error) {
	app, err := web.NewApp(front, web.Options{
		PublicURL: o.PublicURL, StaffURL: o.StaffURL, TrustedProxies: o.TrustedProxies, Rate: o.Rate,
		HSTS: o.HSTS, Drain: o.Drain, Templates: o.Templates,
		DatabaseDown: func() bool { return o.Directory.Health().Err != nil },
	})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: o, front: front}
	s.public = server.New(app, server.Options{Directory: o.Directory, Links: o.Links, Signer: o.Signer, Trace: o.Trace})
	private := operator.Options{
		Directory: o.Directory, Checks: o.Checks, Problems: o.Problems, AdminHosts: o.AdminHosts,
		Trace: o.Trace,
	}
	if o.Site != nil {
		private.Unwritable = o.Site.Unwritable
	}
	s.private = operator.New(app, private)
	if o.Desk != nil {
		acts := &admin.Admin{
			Store: o.Site, Directory: o.Directory, Links: o.Links, Desk: o.Desk, Catalogue: app.Pages.Catalogue,
			PublicURL: app.PublicURL, LinkLife: o.LinkLife, LinkUses: o.LinkUses, Now: app.Now, Outbox: o.Outbox,
			Checks: o.Checks != nil,
		}
		if o.Outbox != nil {
			o.Outbox.Mails = app.Pages.Mails
		}
		s.desk = helpdesk.New(app, helpdesk.Options{
			Directory: o.Directory, Links: o.Links, Staff: o.Desk, Admin: acts,
			OIDC: o.OIDC,
		})
		s.api = api.New(app, api.Options{
			Directory: o.Directory, Site: o.Site, Checks: o.Checks, Links: o.Links,
			Staff: o.Desk, Admin: acts, Plan: o.plan,
		})
	}
	s.handlers = &web.Handlers{App: app}
	s.handlers.Public, s.handlers.Plain = s.Public(false), s.Public(true)
	s.handlers.Private, s.handlers.Staff = s.Private(), s.Staff()
	front.Use(s.handlers, func() {})
	return s, nil
}

// plan is what a domain should publish, as far as its terms say.
func (o Options) plan(ctx context.Context, name string) (*doctor.Plan, error) {
	entry, err := o.Directory.Domain(ctx, name)
	if err != nil {
		return nil, err
	}
	given := entry.Terms.Given()
	return &doctor.Plan{Domain: name, Host: o.PublicURL.Hostname(), Terms: entry.Terms, Given: given}, nil
}

func (s *Service) rooms() []web.Routes {
	if s.desk == nil {
		return nil
	}
	return []web.Routes{s.api.Routes, s.desk.Routes}
}

// Public is the handler of the public listener.
func (s *Service) Public(knownPlain bool) http.Handler { return s.public.Handler(knownPlain) }

// Private is the handler of the private listener.
func (s *Service) Private() http.Handler {
	if s.StaffApart {
		return s.private.Handler()
	}
	return s.private.Handler(s.rooms()...)
}

// Staff is the handler of the listener of the help desk and the API.
func (s *Service) Staff() http.Handler { return s.handlers.App.StaffHandler(s.rooms()...) }

// AskProvider asks the identity provider of the help desk.
func (s *Service) AskProvider(ctx context.Context) error { return s.desk.AskProvider(ctx) }

// Serve serves on sockets until ctx ends.
func (s *Service) Serve(ctx context.Context, l web.Listeners) error { return s.front.Serve(ctx, l) }
