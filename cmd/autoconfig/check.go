package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
)

type checkCmd struct {
	demoFlag
	JSON        bool     `help:"Print JSON: one line for each domain."`
	Domains     []string `arg:"" optional:"" name:"domain" help:"Domains; they need not be in the site."`
	All         bool     `help:"All domains of the site, with their aliases."`
	Self        bool     `help:"This installation instead of domains: configuration, files, ports, database, names, certificates."`
	Only        []string `help:"Parts: dns, tls, mail, http, pacc." placeholder:"PART" enum:"dns,tls,mail,http,pacc"`
	Concurrency int      `help:"Domains at once." default:"16"`
	Progress    bool     `help:"Show progress even if standard error isn't a terminal."`
	resolverFlag
	TrustResolver bool           `help:"The resolver validates DNSSEC, and the path to it is secure."`
	AllowNetwork  []netip.Prefix `help:"Network that may be contacted besides public addresses." placeholder:"PREFIX"`
}

func (k *checkCmd) Help() string {
	return `Asks the DNS, the mail servers and all URLs as mail programs do, and says what is
wrong, who is affected, and how to fix it, with the record to publish. A domain of the
site is compared with its policy. Any other domain is checked for consistency, which
needs no configuration. No credential is sent. docs/checks.md explains every code.

With --all, each domain gets one line as soon as it has been checked. For the details,
name the domain. Ctrl-C keeps what was printed so far.

With --self, this installation is checked: the configuration, file modes, ports, the
database, secret_file, the clock, the sources, the names that should point here and the
certificates. All problems are listed at once, including those that a running service
reports.

The exit status is 1 if there is an error or a warning, 2 if something couldn't be
checked, and 130 after Ctrl-C.

Examples:
  autoconfig check example.org
  autoconfig check --all
  autoconfig check --all --json
  autoconfig check --self
  autoconfig check --only dns --resolver 192.0.2.53 example.org
  autoconfig check --allow-network 10.0.0.0/8 example.org`
}

func (k *checkCmd) Run(c *call) error {
	switch {
	case k.Self && (k.All || k.Demo || len(k.Domains)+len(k.Only) > 0):
		return errors.New("--self is about this installation: it takes neither domains, parts nor --demo")
	case k.Self:
		return k.checkSelf(c)
	case len(k.Domains) == 0 && !k.All:
		return errors.New("which domain? Name some, all of the site with --all, or look at this installation with --self")
	}
	if k.Concurrency < 1 {
		return errors.New("--concurrency must be 1 or more")
	}
	named, err := k.named()
	if err != nil {
		return err
	}
	open := k.openAny
	if k.All {
		open = k.open
	}
	app, err := open(c)
	if err != nil {
		return err
	}
	defer app.close()
	prober, err := newProber(app.process, k.resolverFlag, k.TrustResolver, k.AllowNetwork)
	if err != nil {
		return err
	}
	if k.All {
		if err := app.freshen(c); err != nil {
			return err
		}
	}
	checker := &doctor.Checker{Prober: *prober}
	for _, part := range k.Only {
		checker.Only = append(checker.Only, doctor.Part(part))
	}
	return k.each(c, app, checker, named)
}

// named are the domains of the command line.
func (k *checkCmd) named() ([]string, error) {
	var all []string
	for _, text := range k.Domains {
		name, err := parseDomain(text)
		if err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, nil
}

// each checks domains side by side, and prints each when it is ready.
func (k *checkCmd) each(c *call, app *application, checker *doctor.Checker, named []string) error {
	out := &reports{call: c, cmd: k, site: app.hasSite()}
	progress, stop := c.showProgress(k.Progress || len(named) != 1 && isTerminal(c.std.err), out.text)
	out.progress = progress
	group := errgroup.Group{}
	group.SetLimit(k.Concurrency)
	check := func(name string) {
		place := out.place()
		group.Go(func() error {
			r, err := k.check(c, app, checker, name)
			if c.Err() == nil { // what was cut short is no result
				out.put(place, name, r, err)
			}
			return nil
		})
	}
	for _, name := range named {
		check(name)
	}
	var broken error
	if k.All {
		for name, err := range app.names(c) {
			if broken = err; err != nil || c.Err() != nil {
				break
			}
			check(name)
		}
	}
	_ = group.Wait() // errors were printed
	stop()
	return out.end(broken)
}

func (k *checkCmd) check(c *call, app *application, checker *doctor.Checker, domain string) (doctor.Report, error) {
	plan, err := app.plan(c, domain)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return checker.Check(c, domain, nil), nil
	case err != nil:
		return doctor.Report{}, err
	}
	if !k.All {
		failed, err := app.lookAtSources(c, &plan)
		if err != nil {
			return doctor.Report{}, fmt.Errorf("look at the accounts of %s: %w", domain, err)
		}
		if len(failed) > 0 {
			fmt.Fprintf(c.std.err, "autoconfig: the accounts of %s in %s were not looked at: it can't be asked; see: autoconfig source check\n", domain, strings.Join(failed, ", "))
		}
	}
	return checker.Check(c, domain, &plan), nil
}
