package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/certificates"
	"autoconfig/internal/config"
	"autoconfig/internal/operator"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/internal/systemd"
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
	if s.Demo {
		return s.serveDemo(c, hangups)
	}
	process, err := readProcess(c.configFile)
	if err != nil {
		return err
	}
	s.override(&process)
	v := newRunning(c, *s, process.Log)
	defer v.close()
	if err := v.start(process); err != nil {
		return err
	}
	return v.run(c, hangups)
}

// override lets the command line outrank the configuration.
func (s *serveCmd) override(process *configuration) {
	if s.Listen.IsGiven() {
		process.Listen = s.Listen
	}
	if s.AdminListen.IsGiven() {
		process.AdminListen = s.AdminListen
	}
}

// newRunning is a serve that can say something, and does nothing yet.
func newRunning(c *call, flags serveCmd, log config.Log) *running {
	v := &running{flags: flags, call: c, level: &slog.LevelVar{}, clock: newClock(), accepted: &acceptance{}}
	v.notifier = systemd.NewNotifier(os.Getenv, os.Getpid())
	v.log, v.logger = newLogger(c, log, v.level)
	v.endLog = keepLog(c, v.log)
	v.problems = &operator.Problems{Logger: v.logger}
	return v
}

// start makes everything that serves, or says all that keeps it from that.
func (v *running) start(process configuration) (err error) {
	g := &generation{}
	v.generation = g
	wrong := g.files(process, v.logger)
	wrong = append(wrong, v.listen(v.call, process)...)
	options := store.Options{Folder: process.folder, Connections: process.Connections}
	v.store, err = store.Open(v.call, process.Database, options)
	wrong.add(err)
	v.secret, err = process.secret()
	wrong.add(err)
	if v.store != nil {
		wrong = append(wrong, g.connect(v, process, nil)...)
	}
	if err := wrong.err(); err != nil {
		return err
	}
	if v.desk, err = staff.NewDesk(v.store, v.secret, false); err != nil {
		return err
	}
	v.listeners.Proxied = process.ProxyProtocol
	switch process.TLS.Effective() {
	case config.TLSACME:
		v.listeners.Certificate, v.listeners.Protocols = v.certificate, []string{certificates.ProtocolALPN}
	case config.TLSFiles:
		v.listeners.Certificate = v.certificate
	}
	return g.equip(v).err()
}

// run serves until ctx ends.
func (v *running) run(ctx context.Context, hangups <-chan os.Signal) error {
	v.problems.Set(v.look(ctx))
	v.now().app.warnNotDurable(ctx, v.logger)
	v.sayWhere()
	var ended context.Context
	v.group, ended = errgroup.WithContext(ctx)
	first := v.now()
	first.lookups.begin(context.WithoutCancel(ctx)) // answers stay fresh as long as any are given
	first.begin(ended, v)
	v.front.Use(first.handlers, nil)
	v.group.Go(func() error { return v.front.Serve(ended, v.listeners) })
	v.group.Go(func() error { return v.store.WatchWrites(ended) })
	v.group.Go(func() error { return v.tellSystemd(ended) })
	v.group.Go(func() error {
		debug.FreeOSMemory() // what the start needed isn't needed again: some 20 MB
		return nil
	})
	changed := make(chan struct{})
	v.group.Go(func() error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		return v.watch(ended, hangups, changed, tick.C)
	})
	if !v.flags.Demo {
		v.group.Go(func() error { return v.watchFile(ended, changed) })
	}
	return v.group.Wait()
}

// tellSystemd says that the service is ready, that it lives, and that it ends. It is alive
// as long as it can look at its own state.
func (v *running) tellSystemd(ctx context.Context) error {
	told := func(err error) {
		if err != nil {
			v.logger.Warn("systemd can't be told", "error", err)
		}
	}
	told(v.notifier.Ready("serving at " + v.listeners.Public.Addr().String()))
	told(v.notifier.Watch(ctx, func() bool { return v.now() != nil }))
	<-ctx.Done()
	told(v.notifier.Stopping())
	return nil
}

// sayWhere logs where it listens.
func (v *running) sayWhere() {
	public, private := v.listeners.Public.Addr(), v.listeners.Private.Addr()
	v.logger.Info("serving", "listen", public.String(), "admin_listen", private.String(), "version", version)
	if v.listeners.Staff == nil {
		return
	}
	process := v.now().app.process
	desk := v.listeners.Staff.Addr().String()
	v.logger.Info("serving the help desk", "staff_listen", desk, "staff_url", process.StaffURL.String())
	if v.listeners.Certificate == nil && process.StaffURL.Scheme == "https" && len(process.TrustedProxies) == 0 {
		v.logger.Warn("staff_listen speaks plain http behind a proxy that trusted_proxies doesn't name: all who sign in count as one client")
	}
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

// listen opens all sockets that systemd didn't pass, and says of each that can't be opened why.
func (v *running) listen(ctx context.Context, process configuration) (wrong mistakes) {
	passed, err := systemd.Sockets(os.Getenv, os.Getpid())
	wrong.add(err)
	bind := func(key string, address config.ListenAddress) net.Listener {
		if listener := passed[key]; listener != nil {
			delete(passed, key)
			return accepting{listener, v.accepted}
		}
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
	for name, listener := range passed {
		_ = listener.Close()
		wrong.add(fmt.Errorf("systemd passed a socket called %q: FileDescriptorName= must be listen, http_listen, admin_listen or staff_listen", name))
	}
	return wrong
}

// cannotListen says what of a listener is wrong.
func cannotListen(key string, address config.ListenAddress, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %s is in use already; end the program that listens there (ss -ltnp shows it), or choose another address", key, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: %s is not allowed: ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=), or a proxy in front", key, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: this machine doesn't have the address of %s", key, address)
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return fmt.Errorf("%s: %s: %w", key, address, err)
}
