package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/api"
	"autoconfig/internal/certificates"
	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/helpdesk"
	"autoconfig/internal/links"
	"autoconfig/internal/logs"
	"autoconfig/internal/operator"
	"autoconfig/internal/post"
	"autoconfig/internal/server"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/internal/systemd"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
	"autoconfig/internal/webhook"
	"autoconfig/mobileconfig"
)

// running is a serve that runs: what lasts as long as the process, and the
// generation that is made of the configuration as it was last read.
type running struct {
	flags     serveCmd
	call      *call
	log       *logs.Log
	endLog    func() // writes the rest of it
	logger    *slog.Logger
	level     *slog.LevelVar
	store     *store.Store
	secret    []byte
	desk      *staff.Desk
	front     *web.Front
	listeners web.Listeners
	accepted  *acceptance
	clock     *clock
	notifier  systemd.Notifier
	problems  *operator.Problems
	trace     *trace.Trace
	group     *errgroup.Group // ends when the service does
	leaving   sync.WaitGroup  // generations with requests that are in progress

	mu         sync.Mutex
	generation *generation
	readFile   fileVersion // the configuration's file when it was read last
	refused    string      // why the configuration, as it is now, isn't in use
	fixed      []string    // keys that were changed and need a restart
}

// generation is what one configuration makes.
type generation struct {
	read     configuration // the configuration as it was read
	app      *application
	lookups  *lookups
	tls      *operator.TLSFiles   // nil in another mode
	keeper   *certificates.Keeper // nil in another mode
	signing  *operator.SigningFiles
	mail     *mailServer       // nil where none is configured
	linkHook *webhook.Endpoint // nil where none is configured
	provider *helpdesk.OIDC
	watcher  *doctor.Watcher
	sender   *post.Sender    // nil where no mail server is configured
	teller   *webhook.Sender // nil where links have no webhook
	desk     *helpdesk.Desk
	handlers *web.Handlers
	// end ends its work in the background; ended is when that is over.
	end   context.CancelFunc
	ended sync.WaitGroup
}

// lookups are the sources and the directory in front of them. Generations
// whose sources are the same share them.
type lookups struct {
	basis     lookupBasis
	sources   []directory.SourceOptions
	directory *directory.Directory
	users     atomic.Int32 // generations
	end       context.CancelFunc
	ended     sync.WaitGroup
}

// share gives them to one more generation.
func (l *lookups) share() *lookups {
	l.users.Add(1)
	return l
}

// leave is called when a generation asks no more. The last one closes the sources.
func (l *lookups) leave() {
	if l.users.Add(-1) > 0 {
		return
	}
	if l.end != nil {
		l.end()
		l.ended.Wait()
	}
	closeSources(l.sources)
}

func (l *lookups) begin(ctx context.Context) {
	ctx, l.end = context.WithCancel(ctx)
	l.ended.Go(func() { _ = l.directory.Run(ctx) }) // it ends without an error
}

func (v *running) now() *generation {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.generation
}

// certificate is that of the generation that serves.
func (v *running) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	g := v.now()
	if g.keeper != nil {
		return g.keeper.Get(hello)
	}
	return g.tls.Get(hello)
}

// files reads the files that a configuration names, and says all that is wrong
// with them.
func (g *generation) files(process configuration, logger *slog.Logger) mistakes {
	var wrong mistakes
	for _, readable := range process.publicSecrets() {
		wrong.add(readable)
	}
	var err error
	for i, pair := range process.TLS.All() {
		files, err := operator.WatchCertificate(logger, time.Now, process.path(pair.Certificate), process.path(pair.Key))
		switch {
		case err != nil && i == 0:
			wrong.at("tls", err)
		case err != nil:
			wrong.at("tls.pairs", err)
		case g.tls == nil:
			g.tls = files
		default:
			g.tls.Add(files)
		}
	}
	if process.Signing.Certificate != "" {
		g.signing, err = operator.WatchIdentity(logger, time.Now, process.path(process.Signing.Certificate),
			process.path(process.Signing.Key))
		wrong.at("signing", err)
	}
	g.mail, err = process.mailServer()
	wrong.add(err)
	g.linkHook, err = process.endpoint("links.webhook", process.Links.Webhook)
	wrong.add(err)
	g.provider, err = process.identityProvider()
	wrong.add(err)
	wrong.add(process.checkTemplates())
	return wrong
}

// connect opens the sources, unless they are those of the generation before, and
// judges them.
func (g *generation) connect(v *running, process configuration, before *generation) (wrong mistakes) {
	g.read = process
	g.app = &application{process: process, store: v.store}
	basis := process.lookupBasis()
	if before != nil && reflect.DeepEqual(before.lookups.basis, basis) {
		g.lookups = before.lookups.share()
	} else {
		sources, err := openSources(process, v.logger)
		wrong.add(err)
		if err == nil {
			directory := newDirectory(v.store, sources, process.Cache.Entries, v.logger)
			g.lookups = (&lookups{basis: basis, sources: sources, directory: directory}).share()
			wrong = append(wrong, judgeSources(v.call, process, sources, v.logger)...)
		}
	}
	if g.lookups != nil {
		g.app.sources, g.app.directory = g.lookups.sources, g.lookups.directory
	}
	return append(wrong, process.checkPlans(v.call, v.store)...)
}

// lookupBasis is what lookups are made of. It differs when anything of the sources
// does: also a password in a file.
type lookupBasis struct {
	sources []config.Source
	entries int
	files   [][sha256.Size]byte
}

func (s configuration) lookupBasis() lookupBasis {
	b := lookupBasis{sources: s.Sources, entries: s.Cache.Entries}
	for _, source := range s.Sources {
		for _, file := range []string{source.SQL.DatabaseFile, source.LDAP.PasswordFile, source.LDAP.CA} {
			if file != "" {
				content, _ := os.ReadFile(s.path(file)) // who opens the source complains
				b.files = append(b.files, sha256.Sum256(content))
			}
		}
	}
	return b
}

// equip makes the handlers and what else works for the generation.
func (g *generation) equip(v *running) (wrong mistakes) {
	g.app.process.bound(v.listeners)
	process := g.app.process
	var err error
	g.watcher, err = newWatcher(v.call, g.app, v.logger)
	wrong.add(err)
	g.keeper, err = newKeeper(keeperBasis{v.store, v.secret, process.ownNames(), v.logger}, process,
		g.lookups.directory)
	wrong.add(err)
	if v.trace == nil {
		v.trace = trace.New(process.Trace.Requests, process.Trace.Domains)
	}
	if v.front == nil {
		v.front = web.NewFront(web.FrontOptions{
			Limits: web.Limits(process.Limits), Failures: v.store, Secret: v.secret,
			Logger: v.logger, LinesLost: v.log.Lost, Version: version,
		})
	}
	app, err := web.NewApp(v.front, web.Options{
		PublicURL: process.PublicURL.URL, StaffURL: process.staffURL(v.listeners), TrustedProxies: process.TrustedProxies,
		Forwarded: process.ProxyHeader == config.HeaderForwarded,
		Rate:      web.Rate{PerSecond: process.RateLimit.PerSecond, Burst: process.RateLimit.Burst},
		HSTS:      process.HSTS(), Drain: process.Drain, Templates: process.templates(),
		DatabaseDown: func() bool { return g.lookups.directory.Health().Err != nil },
	})
	wrong.add(err)
	if err == nil {
		g.show(v, app)
	}
	return wrong
}

// show makes the handlers of all listeners.
func (g *generation) show(v *running, app *web.App) {
	process, keeper := g.app.process, &links.Keeper{
		Store: v.store, Secret: v.secret, Tell: g.app.process.tellsLinks(),
	}
	var signer func() *mobileconfig.Identity
	if g.signing != nil {
		signer = g.signing.Identity
	}
	facing := server.Options{Directory: g.lookups.directory, Links: keeper, Signer: signer, Trace: v.trace}
	if g.keeper != nil {
		facing.Challenge = g.keeper.Answer
	}
	public := server.New(app, facing)
	private := operator.New(app, operator.Options{
		Directory: g.lookups.directory, Checks: v.store, Problems: v.problems, Unwritable: v.store.Unwritable, AdminHosts: process.AdminHosts,
		Trace: v.trace,
	})
	acts := process.admin(v.store, g.lookups.directory)
	acts.Links = keeper
	acts.Desk = v.desk
	acts.Catalogue = app.Pages.Catalogue
	acts.Now = app.Now
	acts.Checks = process.Check.Every != 0
	acts.Outbox = process.outbox(v.store, v.secret, app.Pages.Mails)
	if g.mail != nil {
		g.sender = g.mail.sender(v.store, v.secret, v.logger)
		g.sender.Count = countMessages(v.front)
	}
	if g.linkHook != nil {
		g.teller = teller(*g.linkHook, v.store, v.front, v.logger)
	}
	g.desk = helpdesk.New(app, helpdesk.Options{
		Directory: g.lookups.directory, Links: keeper, Staff: v.desk,
		Admin: acts, OIDC: g.provider,
	})
	integrations := api.New(app, api.Options{
		Directory: g.lookups.directory, Site: v.store, Checks: v.store,
		Links: keeper, Staff: v.desk, Admin: acts,
		Importer: g.app.importLines,
		Plan: func(ctx context.Context, name string) (*doctor.Plan, error) {
			plan, err := g.app.plan(&call{Context: ctx, std: v.call.std}, name)
			return &plan, err
		},
	})
	g.handlers = &web.Handlers{App: app, Public: public.Handler(false), Plain: public.Handler(true)}
	if v.listeners.Staff == nil {
		g.handlers.Private = private.Handler(integrations.Routes, g.desk.Routes)
		return
	}
	g.handlers.Private, g.handlers.Staff = private.Handler(), app.StaffHandler(integrations.Routes, g.desk.Routes)
}

// begin starts what a generation does in the background.
func (g *generation) begin(ctx context.Context, v *running) {
	ctx, g.end = context.WithCancel(ctx)
	run := func(job func() error) {
		g.ended.Add(1)
		v.group.Go(func() error {
			defer g.ended.Done()
			return job()
		})
	}
	run(func() error {
		return keepPACC(&call{Context: ctx, std: v.call.std, configFile: v.call.configFile}, g.app, v.logger)
	})
	run(func() error { return keepNames(ctx, g.app, v.logger) })
	run(func() error { return keepTidy(ctx, g.app, v.clock, v.logger) })
	if g.keeper != nil {
		run(func() error { return g.keeper.Run(ctx) })
	}
	if g.sender != nil {
		run(func() error { return g.sender.Run(ctx) })
	}
	if g.teller != nil {
		run(func() error { return g.teller.Run(ctx) })
	}
	if g.watcher != nil {
		run(func() error { return g.watcher.Run(ctx) })
	}
}
