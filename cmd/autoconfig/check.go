package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/settings"
)

type checkCmd struct {
	demoFlag
	jsonFlag
	Domains     []string `arg:"" optional:"" name:"domain" help:"Domains, also ones that are not in the site."`
	All         bool     `help:"All domains of the site, with their aliases."`
	Only        []string `help:"Parts: dns, tls, mail, http, pacc." placeholder:"PART" enum:"dns,tls,mail,http,pacc"`
	Concurrency int      `help:"Domains at once." default:"16"`
	resolverFlag
	TrustResolver bool           `help:"The resolver validates DNSSEC, and the way to it is safe."`
	AllowNetwork  []netip.Prefix `help:"Network that may be dialled beside public addresses." placeholder:"PREFIX"`
}

func (k *checkCmd) Help() string {
	return `Asks the DNS, the mail servers and all URLs as mail programs do, and says what is
wrong, whom it hits, and what mends it, with the record to publish. A domain of the
site is held against its policy, another one against itself. No credential is
sent. Every code is explained in docs/checks.md.

The exit status is 1 if there is an error or a warning.

Examples:
  autoconfig check example.org
  autoconfig check --all --json
  autoconfig check --only dns --resolver 192.0.2.53 example.org
  autoconfig check --allow-network 10.0.0.0/8 example.org`
}

func (k *checkCmd) Run(c *call) error {
	if len(k.Domains) == 0 && !k.All {
		return errors.New("which domain? Name some, or all of the site with --all")
	}
	if k.Concurrency < 1 {
		return errors.New("--concurrency must be 1 or more")
	}
	app, err := k.open(c)
	if err != nil {
		return err
	}
	defer app.close()
	prober, err := newProber(app.process, k.resolverFlag, k.TrustResolver, k.AllowNetwork)
	if err != nil {
		return err
	}
	checker := &doctor.Checker{Prober: *prober}
	for _, part := range k.Only {
		checker.Only = append(checker.Only, doctor.Part(part))
	}
	domains, err := k.domains(c, app)
	if err != nil {
		return err
	}
	reports, err := k.each(c, app, checker, domains)
	if err != nil {
		return err
	}
	return k.print(c, reports)
}

func (k *checkCmd) domains(c *call, app *application) ([]string, error) {
	var all []string
	for _, text := range k.Domains {
		name, err := settings.ParseDomain(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a domain name", text)
		}
		all = append(all, name)
	}
	if !k.All {
		return all, nil
	}
	names, err := app.names(c)
	return append(all, names...), err
}

// each checks domains side by side, and shows how far it has come.
func (k *checkCmd) each(c *call, app *application, checker *doctor.Checker, domains []string) ([]doctor.Report, error) {
	reports := make([]doctor.Report, len(domains))
	var done atomic.Int64
	stop := progress(c.std.err, &done, len(domains))
	defer stop()
	group, ctx := errgroup.WithContext(c)
	group.SetLimit(k.Concurrency)
	for i, domain := range domains {
		group.Go(func() error {
			defer done.Add(1)
			plan, err := app.plan(&call{Context: ctx, std: c.std}, domain)
			switch {
			case errors.Is(err, directory.ErrNotFound):
				reports[i] = checker.Check(ctx, domain, nil)
				return ctx.Err()
			case err != nil:
				return err
			}
			if !k.All {
				failed, err := app.lookAtSources(ctx, &plan)
				if err != nil {
					return fmt.Errorf("look at the accounts of %s: %w", domain, err)
				}
				if len(failed) > 0 {
					fmt.Fprintf(c.std.err, "autoconfig: the accounts of %s in %s were not looked at: it can't be asked; see: autoconfig source check\n", domain, strings.Join(failed, ", "))
				}
			}
			reports[i] = checker.Check(ctx, domain, &plan)
			return ctx.Err()
		})
	}
	return reports, group.Wait()
}

// progress shows a line on a terminal while a long work goes on.
func progress(out io.Writer, done *atomic.Int64, all int) (stop func()) {
	if all < 2 || !isTerminal(out) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		began := time.Now()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		const width = 30
		for {
			n := int(done.Load())
			bar := strings.Repeat("#", n*width/all) + strings.Repeat(".", width-n*width/all)
			fmt.Fprintf(out, "\r[%s] %d of %d, %.0f/s ", bar, n, all, float64(n)/time.Since(began).Seconds())
			select {
			case <-tick.C:
			case <-ctx.Done():
				fmt.Fprint(out, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

func (k *checkCmd) print(c *call, reports []doctor.Report) error {
	bad := false
	for _, r := range reports {
		bad = bad || r.Worst() == doctor.Error || r.Worst() == doctor.Warning
	}
	if k.JSON {
		if err := c.json(reports); err != nil {
			return err
		}
	} else {
		for i, r := range reports {
			if i > 0 {
				c.printf("\n")
			}
			printReport(c, r)
		}
	}
	if bad {
		return errFinding
	}
	return nil
}

func printReport(c *call, r doctor.Report) {
	how := "held against its policy"
	if !r.Served {
		how = "not in the site: held against itself"
	}
	c.printf("%s (%s)\n", r.Domain, how)
	if len(r.Findings) == 0 {
		c.printf("  nothing is wrong\n")
	}
	for _, f := range r.Findings {
		c.printf("  %-7s  %s  %s\n", f.Severity, f.Code, f.Subject)
		for _, row := range [][2]string{{"seen", f.Seen}, {"expected", f.Expected}, {"remedy", f.Remedy}} {
			if row[1] != "" {
				c.printf("           %-9s %s\n", row[0]+":", row[1])
			}
		}
		for _, record := range f.Records {
			c.printf("           %s\n", record)
		}
	}
}
