package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
)

// A running service looks every paccEvery whether a document that waits may be served, and every
// paccLook whether anything has changed: that costs two short queries.
const (
	paccEvery = time.Minute
	paccLook  = 2 * time.Second
)

type paccCmd struct {
	Show    paccShowCmd    `cmd:"" default:"withargs" help:"Show what is served, what is pending, and the TXT record to publish."`
	Publish paccPublishCmd `cmd:"" help:"Serve a changed document now."`
}

type paccShowCmd struct {
	demoFlag
	jsonFlag
	Domain string `arg:"" help:"The domain, or an alias of one."`
}

func (p *paccShowCmd) Help() string {
	return `Shows a domain's PACC document and the digest of it that belongs into the DNS. A
changed document waits until its digest is seen at every server of the zone: publish
it beside the old one (autoconfig dns DOMAIN), and a running "serve" changes over
within a minute; then the old one may go.

Examples:
  autoconfig pacc example.com --demo
  autoconfig pacc publish example.org --force`
}

func (p *paccShowCmd) Run(c *call, app *application) error {
	return reconcilePACC(c, app, p.Domain, false, p.JSON)
}

type paccPublishCmd struct {
	jsonFlag
	Domain string `arg:"" help:"The domain, or an alias of one."`
	Force  bool   `help:"Also if its digest isn't at every server of the zone: programs then refuse the document until it is."`
}

func (p *paccPublishCmd) Help() string {
	return `Serves the document that waits, if its digest is seen at every server of the zone.

Examples:
  autoconfig pacc publish example.org
  autoconfig pacc publish example.org --force`
}

func (p *paccPublishCmd) Run(c *call, app *application) error {
	return reconcilePACC(c, app, p.Domain, p.Force, p.JSON)
}

func reconcilePACC(c *call, app *application, name string, force, asJSON bool) error {
	if err := app.freshen(c); err != nil {
		return err
	}
	plan, err := app.plan(c, name)
	if err != nil {
		return err
	}
	if listed, err := app.isListed(c, plan.Domain); err != nil {
		return err
	} else if !listed {
		return refusal{fmt.Errorf("the domain %s is only known to a source that doesn't list it, so it has no PACC document; let the source list its domains (domains, or domain_list_filter), or put it into the site", plan.Domain)}
	}
	publisher, err := newPublisher(app)
	if err != nil {
		return err
	}
	publisher.Documents = auditedDocuments{app, c}
	state, err := publisher.Reconcile(c, plan.Domain, plan.Terms, force)
	if err != nil {
		return err
	}
	if asJSON {
		return c.json(state)
	}
	printPACC(c, state)
	if state.Served == "" || state.Waiting != "" {
		return errFinding
	}
	return nil
}

func newPublisher(app *application) (doctor.Publisher, error) {
	prober, err := newProber(app.process, resolverFlag{}, false, nil)
	return doctor.Publisher{Documents: app.store, Prober: prober}, err
}

// auditedDocuments writes down what a person changes by a command: one name's.
type auditedDocuments struct {
	*application
	call *call
}

// PACC is that of [doctor.DocumentStore].
func (d auditedDocuments) PACC(ctx context.Context, name string) (doctor.Documents, error) {
	return d.store.PACC(ctx, name)
}

// ReplacePACC is that of [doctor.DocumentStore].
func (d auditedDocuments) ReplacePACC(_ context.Context, changes ...doctor.DocumentChange) error {
	name := changes[0].After.Name
	return d.admin().PublishPACC(d.call, admin.CommandLine(), name, func(ctx context.Context) error {
		return d.store.ReplacePACC(ctx, changes...)
	})
}

func printPACC(c *call, state doctor.Publication) {
	part := func(title, document, txt string) {
		if document != "" {
			c.printf("%s\n  %s TXT \"%s\"\n%s\n", title, state.Owner, txt, document)
		}
	}
	part("served", state.Served, state.ServedTXT)
	part("waiting", state.Waiting, state.WaitingTXT)
	if state.Why != "" {
		c.printf("because %s\n", state.Why)
	}
}

// keepPACC brings documents up to date: all of them soon after anything has changed, so that a
// new domain's records don't name a document that isn't served yet, and every minute those that
// wait for the DNS.
func keepPACC(c *call, app *application, logger *slog.Logger) error {
	publisher, err := newPublisher(app)
	if err != nil {
		publisher.Prober = nil
		logger.Warn("changed PACC documents will wait for: autoconfig pacc publish --force", "error", err)
	}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for before, asked := (upToDate{-1, -1}), time.Now(); ; {
		began := time.Now()
		dns := began.Sub(asked) >= paccEvery
		if dns {
			asked = began
		}
		before, err = reconcile(c, app, publisher, before, dns)
		// What another replica has changed meanwhile is looked at again at the next tick.
		if err != nil && c.Err() == nil && !errors.Is(err, doctor.ErrDocumentsChanged) {
			logger.Error("PACC documents can't be brought up to date", "error", err)
		}
		// A large site that changes all the time isn't read all the time.
		tick.Reset(min(paccEvery, max(paccLook, 10*time.Since(began))))
		select {
		case <-c.Done():
			return nil
		case <-tick.C:
		}
	}
}

// upToDate are the generations of the site and of the sources' lists whose documents
// are as they should be.
type upToDate struct{ config, names int64 }

// reconcile brings all names up to date if the site or the lists aren't of the given
// generations any more, else, if the DNS is to be asked, those that wait. It gives those that
// are up to date.
func reconcile(c *call, app *application, publisher doctor.Publisher, before upToDate, dns bool) (upToDate, error) {
	var now upToDate
	var err error
	if now.config, err = app.store.ConfigGeneration(c); err != nil {
		return before, err
	}
	if now.names, err = app.store.NamesGeneration(c); err != nil {
		return before, err
	}
	if now == before && !dns {
		return before, nil
	}
	if now == before {
		return before, reconcileWaiting(c, app, publisher)
	}
	if now.config != before.config {
		if err := reconcilePages(c, app, publisher, app.store.PublishedPages(c)); err != nil {
			return before, err
		}
	}
	if err := reconcilePages(c, app, publisher, app.listedDocuments(c)); err != nil {
		return before, err
	}
	return now, nil
}

// listedDocuments are the documents of names that sources list, a page at a time.
func (app *application) listedDocuments(ctx context.Context) iter.Seq2[[]store.Published, error] {
	return func(yield func([]store.Published, error) bool) {
		for page, err := range app.store.ListedPages(ctx) {
			var all []store.Published
			if err == nil {
				all, err = app.store.ListedDocuments(ctx, page, app.planOf)
			}
			if !yield(all, err) || err != nil {
				return
			}
		}
	}
}

func reconcileWaiting(c *call, app *application, publisher doctor.Publisher) error {
	names, err := app.store.WaitingPACC(c)
	if err != nil {
		return err
	}
	var failures []error
	for _, name := range names {
		terms, err := app.store.Terms(c, name)
		if errors.Is(err, directory.ErrNotFound) {
			terms, err = app.listedTerms(c, name)
		}
		if err == nil {
			_, err = publisher.Reconcile(c, name, terms, false)
		}
		if err != nil && !errors.Is(err, directory.ErrNotFound) { // it may have been removed meanwhile
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(failures...)
}

// reconcilePages goes over names in pages: there may be a hundred thousand.
func reconcilePages(c *call, app *application, publisher doctor.Publisher, pages iter.Seq2[[]store.Published, error]) error {
	var lost []error
	for names, err := range pages {
		if err != nil {
			return err
		}
		page := &publishedPage{now: map[string]doctor.Documents{}}
		publisher.Documents = page
		for _, n := range names {
			page.now[n.Name] = n.Documents
			if _, err := publisher.Reconcile(c, n.Name, n.Terms, false); err != nil {
				return fmt.Errorf("%s: %w", n.Name, err)
			}
		}
		if len(page.changes) == 0 {
			continue
		}
		if err := app.store.ReplacePACC(c, page.changes...); errors.Is(err, doctor.ErrDocumentsChanged) {
			lost = append(lost, err) // the other names go on
		} else if err != nil {
			return err
		}
	}
	return errors.Join(lost...)
}

// publishedPage is a page of documents in memory: it is read at once and what has
// changed is written at once.
type publishedPage struct {
	now     map[string]doctor.Documents
	changes []doctor.DocumentChange
}

// PACC is that of [doctor.DocumentStore].
func (p *publishedPage) PACC(_ context.Context, name string) (doctor.Documents, error) {
	return p.now[name], nil
}

// ReplacePACC is that of [doctor.DocumentStore].
func (p *publishedPage) ReplacePACC(_ context.Context, changes ...doctor.DocumentChange) error {
	p.changes = append(p.changes, changes...)
	return nil
}
