package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// demoFlag is on the commands that only read.
type demoFlag struct {
	Demo bool `help:"Use the demo site in memory instead of a configuration."`
}

func (d demoFlag) open(c *call) (*opened, error) {
	if d.Demo {
		return openDemo(c)
	}
	return openSite(c)
}

// opened is the process's configuration with its database.
type opened struct {
	process settled
	store   *store.Store
	sources []directory.SourceOptions
	// directory looks up in all of them. A running service keeps it fresh; a command
	// asks and ends.
	directory *directory.Directory
}

// settled is what of the configuration isn't text any more.
type settled struct {
	config.Process
	folder string
	file   string // of the configuration, and what is in it
	text   []byte
}

func (o *opened) close() {
	closeSources(o.sources)
	_ = o.store.Close()
}

// openSite reads the configuration and opens the database that it names.
func openSite(c *call) (*opened, error) {
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
	return &opened{process, db, sources, newDirectory(db, sources, 0, logger)}, nil
}

func readProcess(file string) (settled, error) {
	source, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return settled{}, fmt.Errorf("there is no %s here\nMake one with: autoconfig init\nOr name another with --config FILE; or try the demo site with --demo", file)
	} else if err != nil {
		return settled{}, err
	}
	process, err := config.ReadProcess(file, source, os.LookupEnv)
	if err != nil {
		return settled{}, err
	}
	folder := filepath.Dir(file)
	if process, err = process.Resolve(folder); err != nil {
		return settled{}, err
	}
	return settled{process, folder, file, source}, nil
}

// openDemo is the demo site with the defaults.
func openDemo(c *call) (*opened, error) {
	db, err := demoStore(c)
	if err != nil {
		return nil, err
	}
	return &opened{settled{Process: config.Defaults(), folder: "."}, db, nil, newDirectory(db, nil, 0, slog.New(slog.DiscardHandler))}, nil
}

// demoStore fills a database in memory with the demo site.
func demoStore(c *call) (*store.Store, error) {
	site, _, err := config.ReadSite("demo.yaml", config.Demo)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(c, database.Address{Kind: database.SQLite, File: ":memory:"}, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Replace(c, site); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// looked is everything about an address.
type looked struct {
	directory.Found
	public   settings.Settings // what anybody gets
	personal settings.Settings // what the person gets by a setup link
}

// look finds an address as the service does.
func (o *opened) look(c *call, typed settings.Address) (looked, error) {
	entry, err := o.directory.Domain(c, typed.Domain())
	if errors.Is(err, directory.ErrNotFound) {
		return looked{}, refusal{notServed{typed.Domain(), err}}
	} else if err != nil {
		return looked{}, err
	}
	found, err := o.directory.Lookup(c, entry, typed)
	if err != nil {
		return looked{}, err
	}
	l := looked{Found: found}
	l.public, _ = found.Public(typed)
	l.personal, _ = found.Personal(typed)
	return l, nil
}

// domainTerms finds a domain by its name or an alias, as the service does.
func (o *opened) domainTerms(c *call, name string) (*policy.Terms, error) {
	entry, err := o.directory.Domain(c, name)
	if err != nil {
		return nil, err
	}
	return entry.Terms, nil
}
