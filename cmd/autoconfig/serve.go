package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/config"
	"autoconfig/internal/doctor"
	"autoconfig/internal/links"
	"autoconfig/internal/logs"
	"autoconfig/internal/server"
	"autoconfig/internal/staff"
	"autoconfig/mobileconfig"
)

type serveCmd struct {
	Demo        bool   `help:"Serve the demo site from memory, and print what to try."`
	Listen      string `help:"Public listener, instead of the configuration's." placeholder:"HOST:PORT"`
	AdminListen string `help:"Private listener, instead of the configuration's." placeholder:"HOST:PORT"`
}

func (s *serveCmd) Help() string {
	return `Serves until it is interrupted. What other commands change is served within a second.

Examples:
  autoconfig serve --demo
  autoconfig serve --config /etc/autoconfig/autoconfig.yaml`
}

func (s *serveCmd) Run(c *call) error {
	site, err := demoFlag{s.Demo}.open(c)
	if err != nil {
		return err
	}
	defer site.close()
	if s.Listen != "" {
		site.process.Listen = s.Listen
	}
	if s.AdminListen != "" {
		site.process.AdminListen = s.AdminListen
	}
	if os.Getenv("GOGC") == "" { // caches are most of the memory, and don't become garbage
		debug.SetGCPercent(75)
	}
	log, logger := newLogger(c, site.process.Log)
	defer keepLog(c, log)()
	secret, err := site.secret(s.Demo)
	if err != nil {
		return err
	}
	listeners, err := listen(c, site.process, logger)
	if err != nil {
		return err
	}
	site.process.bound(listeners)
	if s.Demo {
		if _, err := settleSome(c, site, doctor.Publisher{Documents: site.store}, -1); err != nil {
			return err
		}
		site.process.PublicURL.Host = listeners.Public.Addr().String()
		printDemo(c, listeners.Public.Addr().String(), listeners.Private.Addr().String())
	}
	signer, err := watchSigner(site.process, logger)
	if err != nil {
		return err
	}
	if err := judgeSources(c, site.outside, logger); err != nil {
		return err
	}
	d := newDirectory(site.store, site.outside, site.process.Cache.Entries, logger)
	site.directory = d
	var watcher *doctor.Watcher
	if !s.Demo { // whose domain is somebody else's
		if watcher, err = newWatcher(c, site, logger); err != nil {
			return err
		}
	}
	desk, err := staff.NewDesk(site.store, secret, s.Demo)
	if err != nil {
		return err
	}
	provider, err := site.process.identityProvider()
	if err != nil {
		return err
	}
	if s.Demo {
		if err := fillDesk(c, site, desk); err != nil {
			return err
		}
	}
	handlers, err := server.New(server.Options{
		Directory: d, Checks: site.store, Links: &links.Keeper{Store: site.store, Secret: secret}, Templates: site.process.templates(),
		LinkLife: site.process.Links.Life(), LinkUses: site.process.Links.Uses,
		Desk: desk, Site: site.store, StaffURL: site.process.staffURL(listeners), StaffApart: listeners.Staff != nil, OIDC: provider, PublicURL: site.process.PublicURL, Signer: signer,
		TrustedProxies: site.process.Proxies(), Logger: logger, Version: version, Drain: site.process.DrainTime(),
		LinesLost: log.Lost, Failures: site.store, Secret: secret,
		AdminHosts: site.process.AdminHosts, HSTS: site.process.HSTS(),
		Limits: server.Limits(site.process.Limits),
		Rate:   server.Rate{PerSecond: site.process.RateLimit.PerSecond, Burst: site.process.RateLimit.Burst},
	})
	if err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(site.process.PublicURL.Hostname()); !s.Demo && (err == nil && ip.IsLoopback() || site.process.PublicURL.Hostname() == "localhost") {
		logger.Warn("public_url leads to this machine only: Autodiscover's JSON sends programs there", "public_url", site.process.PublicURL.String())
	}
	site.warnNotDurable(c, logger)
	logger.Info("serving", "listen", listeners.Public.Addr().String(), "admin_listen", listeners.Private.Addr().String(), "version", version)
	if listeners.Staff != nil {
		logger.Info("serving the help desk", "staff_listen", listeners.Staff.Addr().String(), "staff_url", site.process.StaffURL)
	}
	group, ctx := errgroup.WithContext(c)
	fresh, serveNoMore := context.WithCancel(context.WithoutCancel(ctx)) // answers stay fresh as long as any are given
	group.Go(func() error { return d.Run(fresh) })
	group.Go(func() error {
		defer serveNoMore()
		return handlers.Serve(ctx, listeners)
	})
	group.Go(func() error {
		return keepPACC(&call{Context: ctx, std: c.std, configFile: c.configFile}, site, logger)
	})
	group.Go(func() error { return keepTidy(ctx, site, logger) })
	group.Go(func() error { return site.store.WatchWrites(ctx) })
	if watcher != nil {
		group.Go(func() error { return watcher.Run(ctx) })
	}
	return group.Wait()
}

// listen opens all sockets, or none.
func listen(ctx context.Context, process settled, logger *slog.Logger) (l server.Listeners, err error) {
	var open []net.Listener
	defer func() {
		if err != nil {
			for _, listener := range open {
				_ = listener.Close()
			}
		}
	}()
	bind := func(key, address string) net.Listener {
		if address == "" || err != nil {
			return nil
		}
		listener, failure := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if failure != nil {
			err = fmt.Errorf("%s: %w", key, failure)
			return nil
		}
		open = append(open, listener)
		return listener
	}
	l.Public = bind("listen", process.Listen)
	l.Plain = bind("http_listen", process.HTTPListen)
	l.Private = bind("admin_listen", process.AdminListen)
	l.Staff = bind("staff_listen", process.StaffListen)
	if err == nil && process.TLS.Certificate != "" {
		l.Certificate, err = watchCertificate(process, logger)
	}
	return l, err
}

// bound puts the addresses that the system gave in place of the configured ones.
func (s *settled) bound(l server.Listeners) {
	s.AdminListen = l.Private.Addr().String()
	if l.Staff != nil {
		s.StaffListen = l.Staff.Addr().String()
	}
}

func watchCertificate(process settled, logger *slog.Logger) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	return server.WatchCertificate(logger, time.Now, process.path(process.TLS.Certificate), process.path(process.TLS.Key))
}

func watchSigner(process settled, logger *slog.Logger) (func() *mobileconfig.Identity, error) {
	if process.Signing.Certificate == "" {
		return nil, nil
	}
	return server.WatchIdentity(logger, time.Now, process.path(process.Signing.Certificate), process.path(process.Signing.Key))
}

// path is a file's path relative to the configuration's folder.
func (s settled) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(s.folder, file)
}

// templates is the operator's folder of texts, if there is one.
func (s settled) templates() fs.FS {
	if s.Templates == "" {
		return nil
	}
	return os.DirFS(s.path(s.Templates))
}

// secret is the root of all keys. The demo's is gone with it.
func (o *opened) secret(demo bool) ([]byte, error) {
	if demo {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		return secret, nil
	}
	return config.LoadSecret(o.process.path(o.process.SecretFile))
}

func newLogger(c *call, o config.Log) (*logs.Log, *slog.Logger) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(o.Level)) // checked when it was read
	options := &slog.HandlerOptions{Level: level}
	log, handler := logs.New(c.std.err, func(w io.Writer) slog.Handler {
		if o.Format == "json" {
			return slog.NewJSONHandler(w, options)
		}
		return slog.NewTextHandler(w, options)
	})
	return log, slog.New(handler)
}

// keepLog writes the log until it is told to end, which is after everything else.
func keepLog(ctx context.Context, log *logs.Log) (end func()) {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return log.Run(writing) })
	return func() {
		stop()
		_ = group.Wait() // it never fails
	}
}

func printDemo(c *call, public, private string) {
	c.printf(`autoconfig serves the demo site: example.com, also known as example.net.

  office@example.com    IMAP: it is read on several devices
  workshop@example.com  POP3, mail stays on the server for 9 days: a small mailbox on one device
  kiosk@example.com     POP3, mail stays on the server for 14 days: its group has a rule
  anybody else          IMAP: the default

Try, in another terminal:

  # Thunderbird
  curl 'http://%[1]s/mail/config-v1.1.xml?emailaddress=workshop%%40example.com'

  # a program that doesn't say for whom it asks (Thunderbird for Android, KMail, Delta Chat)
  curl -H 'Host: autoconfig.example.com' 'http://%[1]s/mail/config-v1.1.xml'

  # Evolution, which sends a digest instead of the address
  curl 'http://%[1]s/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%%40example.com&emailmd5=%[3]s'

  # Outlook
  curl -H 'Content-Type: text/xml' -d '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>office@example.com</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>' 'http://%[1]s/autodiscover/autodiscover.xml'
  curl 'http://%[1]s/autodiscover/autodiscover.json?Email=office%%40example.com&Protocol=AutodiscoverV1'

  # iPhone, iPad, Mac
  curl 'http://%[1]s/email.mobileconfig?emailaddress=kiosk%%40example.com'

  # a program that knows PACC
  curl -H 'Host: ua-auto-config.example.com' 'http://%[1]s/.well-known/user-agent-configuration.json'

  # the person: type workshop@example.com
  open http://%[1]s/ in a browser

  # the help desk: sign in as %[4]s with the password %[5]s
  open http://%[2]s/helpdesk/ in a browser

  # a ticket system
  curl -H 'Authorization: Bearer %[6]s' -d '{"address": "workshop@example.com"}' 'http://%[2]s/api/v1/links'

  # the operator
  curl 'http://%[2]s/readyz'
  curl 'http://%[2]s/metrics'
  go run ./cmd/autoconfig explain workshop@example.com --demo
  go run ./cmd/autoconfig dns example.com --demo

Stop it with Ctrl-C.

`, public, private, demoDigest, demoName, demoPassword, demoToken)
}

// demoDigest is the MD5 of workshop@example.com.
const demoDigest = "8f2d994dc0ea42967605fdf7336100fa"
