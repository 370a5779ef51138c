package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// application is the configuration with what it opens: the database and the sources.
type application struct {
	process configuration
	store   *store.Store
	sources []directory.SourceOptions
	// directory looks up in all of them. A running service keeps it fresh; a command
	// asks and ends.
	directory *directory.Directory
}

// demoFlag is on the commands that only read.
type demoFlag struct {
	Demo bool `help:"Use the demo site in memory instead of a configuration."`
}

func (d demoFlag) isDemo() bool { return d.Demo }

func (d demoFlag) open(c *call) (*application, error) {
	if d.Demo {
		return openDemo(c)
	}
	return openSite(c)
}

// openAny is open, and where there is no configuration an application without a site:
// for what can be asked about any domain.
func (d demoFlag) openAny(c *call) (*application, error) {
	app, err := d.open(c)
	if errors.Is(err, errNoConfiguration) && c.configFile == defaultConfiguration {
		return &application{process: configuration{Process: config.Defaults(), folder: "."}}, nil
	}
	return app, err
}

// hasSite tells whether there is a database with a site.
func (app *application) hasSite() bool { return app.store != nil }

// openSite reads the configuration and opens the database that it names.
func openSite(c *call) (*application, error) {
	process, err := readProcess(c.configFile)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(c, process.Database, store.Options{Folder: process.folder, Connections: process.Connections})
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	sources, err := openSources(process, logger)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &application{process, db, sources, newDirectory(db, sources, 0, logger)}, nil
}

func (app *application) close() {
	closeSources(app.sources)
	if app.hasSite() {
		_ = app.store.Close()
	}
}

// lookup is everything about an address.
type lookup struct {
	directory.Found
	public   settings.Settings // what anybody gets
	personal settings.Settings // what the person gets by a setup link
}

// look finds an address as the service does.
func (app *application) look(c *call, typed settings.Address) (lookup, error) {
	entry, err := app.directory.Domain(c, typed.Domain())
	if errors.Is(err, directory.ErrNotFound) {
		return lookup{}, refusal{notServed{typed.Domain(), err, app.near(c, typed.Domain())}}
	} else if err != nil {
		return lookup{}, err
	}
	found, err := app.directory.Lookup(c, entry, typed)
	if err != nil {
		return lookup{}, err
	}
	l := lookup{Found: found}
	l.public, _ = found.Public(typed)
	l.personal, _ = found.Personal(typed)
	return l, nil
}

// found finds an account by any of its addresses, wherever it is kept.
func (app *application) found(c *call, text string) (directory.Found, error) {
	typed, err := settings.ParseAddress(text)
	if err != nil {
		return directory.Found{}, err
	}
	l, err := app.look(c, typed)
	if err == nil && !l.Known {
		err = nothingKnown(text)
	}
	return l.Found, err
}

// domainTerms finds a domain by its name or an alias, as the service does.
func (app *application) domainTerms(c *call, name string) (*policy.Terms, error) {
	if !app.hasSite() {
		return nil, directory.ErrNotFound
	}
	entry, err := app.directory.Domain(c, name)
	if err != nil {
		return nil, err
	}
	return entry.Terms, nil
}

// terms finds a domain by its name or an alias.
func (app *application) terms(c *call, name string) (*policy.Terms, error) {
	ascii, err := parseDomain(name)
	if err != nil {
		return nil, err
	}
	t, err := app.domainTerms(c, ascii)
	if errors.Is(err, directory.ErrNotFound) {
		return nil, refusal{notServed{ascii, err, app.near(c, ascii)}}
	}
	return t, err
}

// isOwn tells whether a domain is in our own site.
func (app *application) isOwn(c context.Context, name string) (bool, error) {
	_, err := app.store.Terms(c, name)
	if errors.Is(err, directory.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// isListed tells whether a name is our own site's, or one that a source lists.
func (app *application) isListed(c context.Context, name string) (bool, error) {
	if own, err := app.isOwn(c, name); own || err != nil {
		return own, err
	}
	_, err := app.store.ListedName(c, name)
	if errors.Is(err, directory.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// parseDomain is a domain's name in its one form.
func parseDomain(text string) (string, error) {
	name, err := settings.ParseDomain(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a domain name", text)
	}
	return name, nil
}

func nothingKnown(address string) error {
	return refusal{fmt.Errorf("nothing is known about %s: it gets the domain's default; see: autoconfig explain %s", address, address)}
}

func noDomain(name, near string) error {
	if near != "" {
		return refusal{fmt.Errorf("there is no domain %s; did you mean %s?", name, near)}
	}
	return refusal{fmt.Errorf("there is no domain %s; see: autoconfig domain list", name)}
}

// notServed says that a domain isn't in the site.
type notServed struct {
	domain string
	why    error
	near   string // the domain that may have been meant
}

func (n notServed) Error() string {
	text := "the domain " + n.domain + " is not served here"
	if without := (directory.Planless{}); errors.As(n.why, &without) {
		return text + ": " + without.Error() + "; give the source a plan in the configuration (plan: NAME), or the domain one in the site"
	}
	if n.near != "" {
		return text + "; did you mean " + n.near + "?"
	}
	return text + "; see: autoconfig domain list"
}

func (n notServed) Is(target error) bool { return target == directory.ErrNotFound }
