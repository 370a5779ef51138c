package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/autodiscover"
	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/operator"
	"autoconfig/internal/store"
	"autoconfig/thunderbird"
)

const (
	// selfTime bounds looking at this installation, names in the DNS included.
	selfTime = time.Minute
	// selfNames is how many domains' names are looked up: enough to see a fault that all
	// have. What one domain lacks is for check.
	selfNames = 50
	// selfAtOnce is how many of them are looked up side by side.
	selfAtOnce = 16
)

// selfCheck looks at this installation: at everything that serve needs, and at what a
// service that runs says of itself.
type selfCheck struct {
	call    *call
	process configuration
	seen    operator.Seen
	looked  []looked
}

// looked is one part of the installation, and what was seen there.
type looked struct {
	Part string `json:"part"`
	Seen string `json:"seen"`
}

// checkSelf says at once everything that is wrong with this installation.
func (k *checkCmd) checkSelf(c *call) error {
	ctx, cancel := context.WithTimeout(c, selfTime)
	defer cancel()
	s := &selfCheck{call: &call{Context: ctx, std: c.std, configFile: c.configFile}}
	s.look(k)
	s.sort()
	if k.JSON {
		if err := c.json(struct {
			Looked   []looked           `json:"looked"`
			Problems []operator.Problem `json:"problems"`
		}{s.looked, append([]operator.Problem{}, s.seen.Problems...)}); err != nil {
			return err
		}
	} else {
		s.print(c)
	}
	if len(s.seen.Problems) > 0 {
		return errFinding
	}
	return nil
}

// look looks at one part after the other. What another part needs and isn't there ends it.
func (s *selfCheck) look(k *checkCmd) {
	process, err := readProcess(s.call.configFile)
	if err != nil {
		s.wrong(operator.ConfigurationWrong, s.call.configFile, err)
		return
	}
	s.process = process
	s.saw("configuration", s.call.configFile)
	g := &generation{app: &application{process: process}}
	for _, err := range g.files(process, slog.New(slog.DiscardHandler)) {
		s.wrong(operator.ConfigurationWrong, "", err)
	}
	for _, p := range process.readable() {
		if !s.has(p.What) { // files speaks of the same ones
			s.seen.Add(p)
		}
	}
	s.saw("files", "those that the configuration names")
	s.listeners()
	if !s.database(g.app) {
		return
	}
	defer g.app.close()
	s.secret(g.app)
	s.seen.Add(judgeClock(s.call, newClock(), builtAt(), g.app.store)...)
	s.saw("clock", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	s.sources(g.app)
	v := &running{call: s.call, store: g.app.store}
	v.lookAtCertificates(s.call, g, &s.seen)
	s.saw("certificates", "mode "+string(process.TLS.Effective()))
	s.names(g.app, k)
}

// listeners finds out whether the service runs, or could.
func (s *selfCheck) listeners() {
	said, err := s.process.askReady(s.call)
	if err == nil && said.PublicURL != s.process.PublicURL.String() {
		s.saw("listeners", "another service answers at admin_listen")
		s.seen.Add(operator.Problem{
			Code: operator.ListenerUnusable, Severity: operator.Error, Where: "admin_listen",
			What:   fmt.Sprintf("%s is answered by the service with public_url %s, and not by one with this configuration", said.url, said.PublicURL),
			Remedy: "end it, or restart it if public_url was changed; or give this one another admin_listen",
		})
		return
	}
	if err == nil {
		s.saw("listeners", "the service runs, and says: "+said.Status)
		for _, p := range said.Problems {
			s.seen.Add(p)
		}
		return
	}
	free := true
	for _, one := range []struct {
		key     string
		address config.ListenAddress
	}{
		{"listen", s.process.Listen},
		{"http_listen", s.process.HTTPListen},
		{"admin_listen", s.process.AdminListen},
		{"staff_listen", s.process.StaffListen},
	} {
		if !one.address.IsGiven() {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(s.call, "tcp", one.address.String())
		if err == nil {
			_ = listener.Close()
			continue
		}
		free = false
		severity := operator.Error
		if errors.Is(err, syscall.EACCES) { // the service's unit gives it the right that a person hasn't
			severity = operator.Warning
		}
		s.seen.Add(operator.Problem{
			Code: operator.ListenerUnusable, Severity: severity, Where: one.key,
			What: strings.TrimPrefix(cannotListen(one.key, one.address, err).Error(), one.key+": "),
		})
	}
	if free {
		s.saw("listeners", "the service doesn't run; its ports are free")
	} else {
		s.saw("listeners", "the service doesn't run, or isn't reached at admin_listen")
	}
}

// database opens the database, as every command does. It makes none.
func (s *selfCheck) database(app *application) bool {
	address := s.process.Database
	if address.Kind == database.SQLite && address.File != ":memory:" {
		if _, err := os.Stat(s.process.path(address.File)); errors.Is(err, fs.ErrNotExist) {
			s.saw("database", address.String()+" isn't there yet: apply or serve makes it")
			return false
		}
	}
	var err error
	app.store, err = store.Open(s.call, address, store.Options{Folder: s.process.folder, Connections: s.process.Connections})
	if err != nil {
		s.wrong(operator.DatabaseDown, "database", err)
		return false
	}
	s.saw("database", address.String())
	return true
}

// secret looks at the root of all keys.
func (s *selfCheck) secret(app *application) {
	mark, err := app.secretMark()
	switch {
	case err != nil:
		s.wrong(operator.FilesUnusable, "secret_file", err)
	case mark == "":
		s.saw("secret", s.process.SecretFile+" isn't there yet: serve makes it")
	default:
		app.judgeSecret(s.call, mark, &s.seen)
		s.saw("secret", s.process.SecretFile)
	}
}

// sources asks every source, and has it judge its queries.
func (s *selfCheck) sources(app *application) {
	for _, err := range s.process.checkPlans(s.call, app.store) {
		s.wrong(operator.SourcePlan, "", err)
	}
	if len(s.process.Sources) == 0 {
		return
	}
	logger := slog.New(slog.DiscardHandler)
	var err error
	if app.sources, err = openSources(s.process, logger); err != nil {
		s.wrong(operator.SourceQuery, "", err)
		return
	}
	app.directory = newDirectory(app.store, app.sources, 0, logger)
	for _, err := range judgeSources(s.call, s.process, app.sources, logger) {
		s.wrong(operator.SourceQuery, "", err)
	}
	ctx, cancel := context.WithTimeout(s.call, judgeTime)
	defer cancel()
	for _, source := range app.sources {
		if err := source.Source.Ping(ctx); err != nil {
			s.wrong(operator.SourceDown, source.Name, err)
		}
	}
	s.saw("sources", fmt.Sprintf("%d", len(app.sources)))
}

// names looks up the service's own names and those by which programs come to it.
func (s *selfCheck) names(app *application, k *checkCmd) {
	resolver, err := k.resolver(s.process)
	if err != nil {
		s.wrong(operator.NameUnknown, "resolver", err)
		return
	}
	here := &here{resolver: resolver, addresses: s.process.ACME.Addresses, own: s.process.PublicURL.Hostname()}
	if s.process.PublicURL.IsLoopback() {
		s.seen.Add(loopbackURL())
		return
	}
	for _, name := range s.process.ownNames() {
		found, answer, err := resolver.Addresses(s.call, name)
		switch {
		case err != nil:
			s.wrong(operator.NameUnknown, name, fmt.Errorf("%s can't be looked up: %w", name, err))
			return // the others would say the same
		case len(found) == 0:
			s.seen.Add(operator.Problem{
				Code: operator.NameUnknown, Severity: operator.Error, Where: name,
				What: name + answer.Lack(), Remedy: "publish an address for it in the DNS, or change the configuration's key that has it",
			})
		}
	}
	page, err := app.store.PublishedPage(s.call, "", selfNames)
	if err != nil {
		s.wrong(operator.DatabaseDown, "database", err)
		return
	}
	elsewhere := s.elsewhere(here, specialNames(page))
	s.saw("names", fmt.Sprintf("%d of %d special names lead here", 2*len(page)-len(elsewhere), 2*len(page)))
	if len(elsewhere) == 0 {
		return
	}
	s.seen.Add(operator.Problem{
		Code: operator.NameElsewhere, Severity: operator.Warning, Where: "DNS",
		What: fmt.Sprintf("%d of the %d names by which programs come don't lead here: %s", len(elsewhere), 2*len(page), strings.Join(elsewhere[:min(3, len(elsewhere))], "; ")),
		Remedy: "publish what autoconfig dns DOMAIN prints, and see autoconfig check DOMAIN for details; " +
			"if another machine stands in front, name its addresses: acme: {addresses: [...]}",
	})
}

// specialNames are those that programs in wide use ask.
func specialNames(page []store.Published) (all []string) {
	for _, p := range page {
		all = append(all, thunderbird.HostLabel+"."+p.Name, autodiscover.HostLabel+"."+p.Name)
	}
	return all
}

// elsewhere says of each name that doesn't lead here why.
func (s *selfCheck) elsewhere(here *here, names []string) []string {
	reasons := make([]string, len(names))
	group := errgroup.Group{}
	group.SetLimit(selfAtOnce)
	for i, name := range names {
		group.Go(func() error {
			if err := here.leads(s.call, name); err != nil {
				reasons[i] = err.Error()
			}
			return nil
		})
	}
	_ = group.Wait() // the reasons are told
	return slices.DeleteFunc(reasons, func(reason string) bool { return reason == "" })
}

func (s *selfCheck) saw(part, seen string) { s.looked = append(s.looked, looked{part, seen}) }

func (s *selfCheck) wrong(code operator.ProblemCode, where string, err error) {
	s.seen.Add(operator.Problem{Code: code, Severity: operator.Error, Where: where, What: strings.TrimPrefix(err.Error(), where+": ")})
}

func (s *selfCheck) has(what string) bool {
	return slices.ContainsFunc(s.seen.Problems, func(p operator.Problem) bool { return strings.Contains(p.What, what) })
}

// sort puts errors first, and leaves out what the running service said already.
func (s *selfCheck) sort() {
	var all []operator.Problem
	for _, severity := range []operator.Severity{operator.Error, operator.Warning} {
		for _, p := range s.seen.Problems {
			same := func(other operator.Problem) bool {
				return other.Code == p.Code && other.Where == p.Where && p.Where != ""
			}
			if p.Severity == severity && !slices.ContainsFunc(all, same) {
				all = append(all, p)
			}
		}
	}
	s.seen.Problems = all
}

func (s *selfCheck) print(c *call) {
	for _, l := range s.looked {
		c.printf("%-13s  %s\n", l.Part, l.Seen)
	}
	if len(s.looked) > 0 {
		c.printf("\n")
	}
	for _, p := range s.seen.Problems {
		c.printf("%-7s  %s  %s\n", p.Severity, p.Code, p.Where)
		c.printf("         seen:   %s\n", strings.ReplaceAll(p.What, "\n", "\n                 "))
		if p.Remedy != "" {
			c.printf("         remedy: %s\n", p.Remedy)
		}
	}
	if len(s.seen.Problems) == 0 {
		c.printf("nothing is wrong\n")
	}
}
