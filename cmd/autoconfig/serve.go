package main

import (
	"context"
	"crypto/rand"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/config"
	"autoconfig/internal/doctor"
	"autoconfig/internal/logs"
	"autoconfig/internal/server"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

type serveCmd struct {
	Demo        bool                 `help:"Serve the demo site from memory, and print what to try."`
	Listen      config.ListenAddress `help:"Public listener, instead of the configuration's." placeholder:"HOST:PORT"`
	AdminListen config.ListenAddress `help:"Private listener, instead of the configuration's." placeholder:"HOST:PORT"`
}

func (s *serveCmd) Help() string {
	return `Serves until it is interrupted. What other commands change is served within a second.

Examples:
  autoconfig serve --demo
  autoconfig serve --config /etc/autoconfig/autoconfig.yaml`
}

func (s *serveCmd) Run(c *call) error {
	// From here on a SIGHUP means to read the configuration again, also while it starts.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	if os.Getenv("GOGC") == "" { // caches are most of the memory, and don't become garbage
		debug.SetGCPercent(75)
	}
	v, err := s.start(c)
	if err != nil {
		return err
	}
	defer v.close()
	if s.Demo {
		if err := v.fillDemo(c); err != nil {
			return err
		}
	}
	v.problems.Set(v.look(c))
	v.now().site.warnNotDurable(c, v.logger)
	v.logger.Info("serving", "listen", v.listeners.Public.Addr().String(), "admin_listen", v.listeners.Private.Addr().String(), "version", version)
	if v.listeners.Staff != nil {
		v.logger.Info("serving the help desk", "staff_listen", v.listeners.Staff.Addr().String(), "staff_url", v.now().site.process.StaffURL.String())
		if process := v.now().site.process; v.listeners.Certificate == nil && process.StaffURL.Scheme == "https" && len(process.TrustedProxies) == 0 {
			v.logger.Warn("staff_listen speaks plain http behind a proxy that trusted_proxies doesn't name: all who sign in count as one client")
		}
	}
	return v.run(c, hangups)
}

// override lets the command line outrank the configuration.
func (s *serveCmd) override(process *settled) {
	if s.Listen.IsGiven() {
		process.Listen = s.Listen
	}
	if s.AdminListen.IsGiven() {
		process.AdminListen = s.AdminListen
	}
}

// start makes everything that serves, or says all that keeps it from that.
func (s *serveCmd) start(c *call) (v *running, err error) {
	v = &running{flags: *s, call: c, level: &slog.LevelVar{}, clock: newClock(), accepted: &acceptance{}}
	process, err := s.process(c)
	if err != nil {
		return nil, err
	}
	v.log, v.logger = newLogger(c, process.Log, v.level)
	v.endLog = keepLog(c, v.log)
	v.problems = &server.Problems{Logger: v.logger}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	g := &generation{}
	wrong := g.files(process, v.logger)
	wrong = append(wrong, v.listen(c, process)...)
	if s.Demo {
		v.store, err = demoStore(c)
	} else {
		v.store, err = store.Open(c, process.Database, store.Options{Folder: process.folder, Connections: process.Connections})
	}
	wrong.add(err)
	v.secret, err = process.secret(s.Demo)
	wrong.add(err)
	if v.store != nil {
		wrong = append(wrong, g.connect(v, process, nil)...)
	}
	if v.generation = g; wrong.err() != nil {
		return v, wrong.err()
	}
	if s.Demo {
		g.site.process.PublicURL.Host = v.listeners.Public.Addr().String()
	}
	if v.desk, err = staff.NewDesk(v.store, v.secret, s.Demo); err != nil {
		return v, err
	}
	if g.tls != nil {
		v.listeners.Certificate = v.certificate
	}
	return v, g.equip(v, nil).err()
}

func (s *serveCmd) process(c *call) (process settled, err error) {
	if s.Demo {
		process = settled{Process: config.Defaults(), folder: "."}
	} else if process, err = readProcess(c.configFile); err != nil {
		return settled{}, err
	}
	s.override(&process)
	return process, nil
}

// fillDemo gives the demo what it shows.
func (v *running) fillDemo(c *call) error {
	site := v.now().site
	if _, err := reconcile(c, site, doctor.Publisher{Documents: v.store}, -1); err != nil {
		return err
	}
	printDemo(c, v.listeners.Public.Addr().String(), v.listeners.Private.Addr().String())
	return fillDesk(c, site, v.desk)
}

// run serves until ctx ends.
func (v *running) run(ctx context.Context, hangups <-chan os.Signal) error {
	var ended context.Context
	v.group, ended = errgroup.WithContext(ctx)
	first := v.now()
	first.lookups.begin(context.WithoutCancel(ctx)) // answers stay fresh as long as any are given
	first.begin(ended, v)
	v.group.Go(func() error { return first.handlers.Serve(ended, v.listeners) })
	v.group.Go(func() error { return v.store.WatchWrites(ended) })
	v.group.Go(func() error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		return v.watch(ended, hangups, tick.C)
	})
	return v.group.Wait()
}

// close ends what is left when nobody is served any more.
func (v *running) close() {
	v.leaving.Wait()
	for _, l := range []net.Listener{v.listeners.Public, v.listeners.Plain, v.listeners.Private, v.listeners.Staff} {
		if l != nil {
			_ = l.Close() // it may be closed already
		}
	}
	if g := v.generation; g != nil && g.lookups != nil {
		g.lookups.leave()
	}
	if v.store != nil {
		_ = v.store.Close()
	}
	v.endLog()
}

// listen opens all sockets, and says of each that can't be opened why.
func (v *running) listen(ctx context.Context, process settled) (wrong mistakes) {
	bind := func(key string, address config.ListenAddress) net.Listener {
		if !address.IsGiven() {
			return nil
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address.String())
		if err != nil {
			wrong.add(cannotListen(key, address, err))
			return nil
		}
		return accepting{listener, v.accepted}
	}
	v.listeners.Public = bind("listen", process.Listen)
	v.listeners.Plain = bind("http_listen", process.HTTPListen)
	v.listeners.Private = bind("admin_listen", process.AdminListen)
	v.listeners.Staff = bind("staff_listen", process.StaffListen)
	return wrong
}

// bound puts the addresses that the system gave in place of the configured ones.
func (s *settled) bound(l server.Listeners) {
	s.AdminListen = listenAddress(l.Private)
	if l.Staff != nil {
		s.StaffListen = listenAddress(l.Staff)
	}
}

func listenAddress(l net.Listener) config.ListenAddress {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return config.ListenAddress{Host: tcp.IP.String(), Port: tcp.AddrPort().Port()}
	}
	return config.ListenAddress{}
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
func (s settled) secret(demo bool) ([]byte, error) {
	if demo {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		return secret, nil
	}
	return config.LoadSecret(s.path(s.SecretFile))
}

// newLogger logs as the configuration says, from the level on that may be changed
// later.
func newLogger(c *call, o config.Log, level *slog.LevelVar) (*logs.Log, *slog.Logger) {
	level.Set(slog.Level(o.Level))
	options := &slog.HandlerOptions{Level: level}
	log, handler := logs.New(c.std.err, func(w io.Writer) slog.Handler {
		if o.Format == config.LogJSON {
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
