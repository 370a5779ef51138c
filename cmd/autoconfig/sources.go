package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/directory/ldapdir"
	"autoconfig/internal/directory/sqldir"
	"autoconfig/internal/store"
	"autoconfig/policy"
)

// defaultDigests is how many addresses of a source are kept for programs that send
// a digest: some 10 MB.
const defaultDigests = 200_000

// openSources prepares the sources of the configuration. None is connected to: one
// that is down now may be up later.
func openSources(process configuration, logger *slog.Logger) (sources []directory.SourceOptions, err error) {
	var wrong mistakes
	for i, s := range process.Sources {
		open, at := process.openLDAP, "ldap"
		if s.IsSQL() {
			open, at = process.openSQL, "sql"
		}
		source, err := open(s, logger)
		if err != nil {
			wrong.add(placed(process, i, at, fmt.Errorf("the source %s: %w", s.Name, err)))
			continue
		}
		digests := defaultDigests
		if s.Digests != nil {
			digests = *s.Digests
		}
		sources = append(sources, directory.SourceOptions{
			Name: s.Name, Source: source, Plan: s.Plan, Digests: digests,
			Fresh: s.Fresh, Missing: s.Missing, Stale: s.Stale, Timeout: s.Timeout, DigestsEvery: s.DigestsEvery, DomainsEvery: s.DomainsEvery,
		})
	}
	if err := wrong.err(); err != nil {
		closeSources(sources)
		return nil, err
	}
	return sources, nil
}

// judgeTime bounds how long the start waits for sources to judge their queries.
const judgeTime = 3 * time.Second

// judgeSources has every database judge the queries that it will be asked. It gives
// what must be mended; that a source can't be asked now isn't of that kind.
func judgeSources(ctx context.Context, process configuration, sources []directory.SourceOptions, logger *slog.Logger) mistakes {
	ctx, cancel := context.WithTimeout(ctx, judgeTime)
	defer cancel()
	errs := make([]mistakes, len(sources))
	var group sync.WaitGroup
	for i, s := range sources {
		judge, ok := s.Source.(interface {
			Check(ctx context.Context) error
		})
		if !ok {
			continue
		}
		group.Go(func() {
			err := judge.Check(ctx)
			switch {
			case errors.Is(err, sqldir.ErrQuery):
				for _, one := range unjoined(err) {
					errs[i].add(placed(process, i, "sql", fmt.Errorf("the source %s: %w", s.Name, one)))
				}
			case err != nil:
				logger.Warn("a source can't be asked yet", "source", s.Name, "error", err)
			}
		})
	}
	group.Wait()
	return slices.Concat(errs...)
}

// placed says where in the configuration the cause of a source's error is.
func placed(process configuration, i int, at string, err error) error {
	if key := keyOf(err); key != "" {
		at += "." + key
	}
	return config.At(process.file, process.text, fmt.Sprintf("sources[%d].%s", i, at), err)
}

// keyOf is the key that an error is about, "" for none.
func keyOf(err error) string {
	if k := (keyError{}); errors.As(err, &k) {
		return k.key
	}
	if q := (*sqldir.QueryError)(nil); errors.As(err, &q) {
		return q.Query
	}
	return ""
}

func closeSources(sources []directory.SourceOptions) {
	for _, s := range sources {
		_ = s.Source.Close()
	}
}

func (s configuration) openSQL(source config.Source, logger *slog.Logger) (directory.Source, error) {
	address, err := s.databaseOf(source.SQL)
	if err != nil {
		return nil, keyError{"database_file", err}
	}
	queries := sqldir.Queries{
		Account: source.SQL.Account, Alias: source.SQL.Alias, Domain: source.SQL.Domain, Domains: source.SQL.Domains,
		Search: source.SQL.Search, List: source.SQL.List,
	}
	if source.SQL.Preset != "" {
		preset, found := sqldir.Preset(source.SQL.Preset, address.Kind)
		if !found {
			return nil, keyError{"preset", noPreset(source.SQL.Preset, sqlPresets(address.Kind), " on "+string(address.Kind))}
		}
		queries = queries.Or(preset)
	}
	opened, err := sqldir.Open(sqldir.Options{
		Address: address, Folder: s.folder, Queries: queries,
		Timeout: source.Timeout, Connections: source.Connections, Logger: logger.With("source", source.Name),
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// databaseOf is a source's database. Its file may have to be read for it.
func (s configuration) databaseOf(source config.SQL) (database.Address, error) {
	if source.DatabaseFile == "" {
		return source.Database, nil
	}
	return config.ReadDatabase(s.path(source.DatabaseFile))
}

func (s configuration) openLDAP(source config.Source, _ *slog.Logger) (directory.Source, error) {
	l := source.LDAP
	options := ldapdir.Options{
		Servers: l.Servers, StartTLS: l.StartTLS, BindDN: l.BindDN, Base: l.Base,
		Timeout: source.Timeout, Connections: source.Connections,
		Mapping: ldapdir.Mapping{
			Scope: l.Scope, Filter: l.Filter, AliasFilter: l.AliasFilter, SearchFilter: l.SearchFilter, ListFilter: l.ListFilter,
			Attributes: ldapdir.Attributes(l.Attributes), QuotaUnit: l.QuotaUnit,
			Enabled: ldapdir.Enabled{
				Attribute: l.Enabled.Attribute, Values: l.Enabled.Values, DisabledBit: int64(l.Enabled.DisabledBit), Expires: l.Enabled.Expires,
			},
			DomainFilter: l.DomainFilter, DomainBase: l.DomainBase, DomainListFilter: l.DomainList, DomainAttributes: ldapdir.DomainAttributes(l.DomainNames),
		},
	}
	if l.CA != "" {
		options.CAFile = s.path(l.CA)
	}
	if l.PasswordFile != "" {
		var err error
		if options.Password, err = config.ReadFirstLine(s.path(l.PasswordFile)); err != nil {
			return nil, keyError{"password_file", err}
		}
	}
	if l.Preset != "" {
		preset, found := ldapdir.Preset(l.Preset)
		if !found {
			return nil, keyError{"preset", noPreset(l.Preset, ldapPresets(), "")}
		}
		options.Mapping = options.Or(preset)
	}
	opened, err := ldapdir.Open(options)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func noPreset(name string, known []string, where string) error {
	slices.Sort(known)
	return fmt.Errorf("there is no preset %q%s; there are %s", name, where, strings.Join(slices.Compact(known), ", "))
}

// sqlPresets are those for a kind of database, "" for any.
func sqlPresets(kind database.Kind) []string {
	var names []string
	for _, p := range sqldir.Presets() {
		if kind == "" || slices.Contains(p.Kinds, kind) {
			names = append(names, p.Name)
		}
	}
	return names
}

func ldapPresets() []string {
	var names []string
	for _, p := range ldapdir.Presets() {
		names = append(names, p.Name)
	}
	return names
}

// newDirectory is where commands and the service look domains and accounts up.
func newDirectory(db *store.Store, sources []directory.SourceOptions, entries int, logger *slog.Logger) *directory.Directory {
	return directory.New(directory.Options{Store: db, Sources: sources, MaxEntries: entries, Logger: logger})
}

// checkSourceNames refuses sources that aren't configured.
func (app *application) checkSourceNames(named []string) error {
	return app.inWords(app.admin().CheckSources(named))
}

// inWords says of a source that isn't configured which are, and where.
func (app *application) inWords(err error) error {
	switch none := (admin.NoSource{}); {
	case !errors.As(err, &none):
		return err
	case len(none.Known) == 0:
		return fmt.Errorf("%w: %s has no sources", err, app.process.file)
	default:
		return fmt.Errorf("%w; %s has %s", err, app.process.file, strings.Join(none.Known, ", "))
	}
}

// checkPlans refuses sources whose plan isn't there: nobody in their domains would
// be served. A site that is still empty has its plans to come.
func (s configuration) checkPlans(ctx context.Context, db plans) (wrong mistakes) {
	for i, source := range s.Sources {
		if err := planOf(ctx, db, source.Plan); errors.Is(err, directory.ErrUnusable) {
			err = fmt.Errorf("the source %s: %w", source.Name, noPlan(source.Plan, err))
			wrong.add(config.At(s.file, s.text, fmt.Sprintf("sources[%d].plan", i), err))
		}
	}
	if generation, err := db.ConfigGeneration(ctx); err == nil && generation <= 1 {
		return nil
	}
	return wrong
}

// plans is what of our own database says whether a plan can be served.
type plans interface {
	PlanTerms(ctx context.Context, domain policy.Domain) (*policy.Terms, error)
	ConfigGeneration(ctx context.Context) (int64, error)
}

func planOf(ctx context.Context, db plans, plan string) error {
	if plan == "" {
		return nil
	}
	_, err := db.PlanTerms(ctx, policy.Domain{Name: "example.com", Plan: plan})
	return err
}

func noPlan(plan string, err error) error {
	if errors.As(err, new(store.NoPlan)) {
		return fmt.Errorf("there is no plan %q; its domains without a plan of their own can't be served", plan)
	}
	return err
}
