package sqldir

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

var servers testkit.DatabaseServers

func TestMain(m *testing.M) {
	os.Exit(testkit.Run(m, servers.Close))
}

// load makes a database of a kind with tables and rows, and returns where it is.
func load(t testing.TB, kind database.Kind, statements string) string {
	t.Helper()
	switch kind {
	case database.PostgreSQL:
		s := servers.PostgreSQL(t)
		url := s.Create(t)
		s.Run(t, url, statements)
		return url
	case database.MySQL:
		s := servers.MariaDB(t)
		url := s.Create(t)
		s.Run(t, url, statements)
		return url
	default:
		url := "sqlite:" + filepath.Join(t.TempDir(), "accounts.db")
		db, err := database.Open(parse(t, url), database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), statements); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		return url
	}
}

func parse(t testing.TB, url string) database.Address {
	t.Helper()
	a, err := database.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// source opens a source, of which the options have all but the address.
func source(t testing.TB, url string, o Options) *Source {
	t.Helper()
	o.Address, o.Logger = parse(t, url), slog.New(slog.DiscardHandler)
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// look finds an account and says what is known of it; "-" for not found.
func look(t testing.TB, s *Source, address string) string {
	t.Helper()
	account, err := s.Account(t.Context(), settings.MustAddress(address))
	if errors.Is(err, directory.ErrNotFound) {
		return "-"
	}
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return "error"
	}
	return describe(account)
}

func describe(a policy.Account) string {
	var b strings.Builder
	b.WriteString(a.Address.String())
	for _, part := range []string{a.Name, a.Login, string(a.Devices), string(a.Protocol), strings.Join(a.Groups, "+")} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	if a.Quota != 0 {
		b.WriteString(" " + a.Quota.String())
	}
	for _, other := range a.Addresses {
		b.WriteString(" (" + other.String() + ")")
	}
	return b.String()
}

func domainOf(t testing.TB, s *Source, name string) string {
	t.Helper()
	domain, err := s.Domain(t.Context(), name)
	if errors.Is(err, directory.ErrNotFound) {
		return "-"
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return "error"
	}
	return strings.TrimSpace(domain.Name + " " + domain.Plan)
}

func searched(t testing.TB, s *Source, text string, domains []string, limit int) string {
	t.Helper()
	found, err := s.Search(t.Context(), text, domains, limit)
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	var addresses []string
	for _, account := range found {
		addresses = append(addresses, account.Address.String())
	}
	return strings.Join(addresses, " ")
}

// listedDomains are the names that are listed, an alias with its domain.
func listedDomains(t testing.TB, s *Source) string {
	t.Helper()
	var all []string
	if err := s.Domains(t.Context(), func(n directory.SourceName) error {
		line := n.Name
		if n.Domain.Name != n.Name {
			line += "=" + n.Domain.Name
		}
		if n.Domain.Plan != "" {
			line += " " + n.Domain.Plan
		}
		all = append(all, line)
		return nil
	}); err != nil {
		t.Error(err)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func walked(t testing.TB, s *Source) string {
	t.Helper()
	var all []string
	if err := s.Walk(t.Context(), func(a policy.Account) error {
		line := a.Address.String()
		for _, other := range a.Addresses {
			line += fmt.Sprintf(" (%s)", other)
		}
		all = append(all, line)
		return nil
	}); err != nil {
		t.Error(err)
	}
	return strings.Join(all, ", ")
}
