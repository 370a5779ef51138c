package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/systemd"
)

// watch reads the configuration again when it is told to, and looks for what is
// wrong now and then, until ctx ends.
func (v *running) watch(ctx context.Context, hangups <-chan os.Signal, changed <-chan struct{}, tick <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
			v.reload(ctx)
		case <-changed:
			v.reload(ctx)
		case <-tick:
		}
		if seen := v.look(ctx); ctx.Err() == nil {
			v.problems.Set(seen)
		}
	}
}

// reload puts what the configuration says now in the place of what serves. If
// anything of it is wrong, all stays as it is.
func (v *running) reload(ctx context.Context) {
	if v.flags.Demo {
		v.logger.Info("the demo has no configuration to read again")
		return
	}
	began := time.Now()
	before := v.now()
	if err := v.notifier.Reloading(systemd.Monotonic()); err != nil {
		v.logger.Warn("systemd can't be told", "error", err)
	}
	status := "serving"
	defer func() { _ = v.notifier.Ready(status) }()
	state := versionOf(v.call.configFile)
	next, fixed, err := v.prepare(before)
	v.mu.Lock()
	v.readFile = state
	v.refused, v.fixed = "", fixed
	if err != nil {
		v.refused = err.Error()
	}
	v.mu.Unlock()
	if err != nil {
		status = "serving with the last good configuration: the new one is refused, see the log"
		const told = "the configuration was not reloaded; the last good one serves on"
		if before.app.process.Log.Format == config.LogJSON {
			v.logger.Error(told, "error", err)
			return
		}
		v.logger.Error(told)
		fmt.Fprintln(v.call.std.err, err) // whose lines and carets would be unreadable in quotes
		return
	}
	v.replace(ctx, before, next)
	v.logger.Info("the configuration was reloaded", "file", v.call.configFile, "took", time.Since(began).Round(time.Millisecond))
}

// prepare makes a generation of the configuration as it is now, and names the keys
// whose change needs a restart.
func (v *running) prepare(before *generation) (next *generation, fixed []string, err error) {
	process, err := readProcess(v.call.configFile)
	if err != nil {
		return nil, nil, err
	}
	v.flags.override(&process)
	fixed = keepFixed(before.read, &process)
	next = &generation{}
	wrong := next.files(process, v.logger)
	wrong = append(wrong, next.connect(v, process, before)...)
	if wrong.err() == nil && next.lookups != before.lookups {
		// A directory that has read nothing yet would refuse what the last one serves.
		wrong.at("database", next.lookups.directory.Refresh(v.call))
	}
	if wrong.err() == nil {
		wrong = append(wrong, next.equip(v)...)
	}
	if err := wrong.err(); err != nil {
		if next.lookups != nil {
			next.lookups.leave()
		}
		return nil, fixed, err
	}
	return next, fixed, nil
}

// replace lets next serve. What the last generation has is closed when its last
// request has ended.
func (v *running) replace(ctx context.Context, before, next *generation) {
	v.level.Set(slog.Level(next.app.process.Log.Level))
	if next.lookups != before.lookups {
		next.lookups.begin(context.WithoutCancel(ctx))
	}
	v.mu.Lock()
	v.generation = next
	v.mu.Unlock()
	next.begin(ctx, v)
	v.leaving.Add(1)
	v.front.Use(next.handlers, func() {
		defer v.leaving.Done()
		before.end()
		before.ended.Wait()
		before.lookups.leave()
	})
}

// keepFixed keeps what can't be changed while it runs as it was, and names it.
func keepFixed(before configuration, now *configuration) (changed []string) {
	keep := func(key string, was, is any) {
		if is := reflect.ValueOf(is).Elem(); !reflect.DeepEqual(was, is.Interface()) {
			is.Set(reflect.ValueOf(was))
			changed = append(changed, key)
		}
	}
	keep("listen", before.Listen, &now.Listen)
	keep("http_listen", before.HTTPListen, &now.HTTPListen)
	keep("admin_listen", before.AdminListen, &now.AdminListen)
	keep("staff_listen", before.StaffListen, &now.StaffListen)
	keep("database", before.Database, &now.Database)
	keep("secret_file", before.SecretFile, &now.SecretFile)
	keep("log.format", before.Log.Format, &now.Log.Format)
	keep("database_connections", before.Connections, &now.Connections)
	keep("proxy_protocol", before.ProxyProtocol, &now.ProxyProtocol)
	keep("trace", before.Trace, &now.Trace)
	keep("limits", before.Limits, &now.Limits)
	if now.TLS.Effective() != before.TLS.Effective() { // another certificate can be had, another mode can't
		keep("tls", before.TLS, &now.TLS)
	}
	return changed
}
