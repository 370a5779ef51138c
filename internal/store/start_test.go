package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
	"autoconfig/policy"
)

// holdSchema takes the lock under which the schema is changed, as a process that
// never ends would, until it is released.
func holdSchema(t *testing.T, p place) (release func()) {
	t.Helper()
	if p.folder != "" {
		release, err := database.LockFolder(t.Context(), p.folder)
		if err != nil {
			t.Fatal(err)
		}
		return release
	}
	address, err := database.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(address, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	connection, err := db.Pool().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock := `SELECT pg_advisory_lock(hashtext('autoconfig'))` // as versions did that may run meanwhile
	if address.Kind == database.MySQL {
		lock = `SELECT GET_LOCK(CONCAT('autoconfig.', DATABASE()), 0)`
	}
	if _, err := connection.ExecContext(t.Context(), lock); err != nil {
		t.Fatal(err)
	}
	return func() { _ = connection.Close(); _ = db.Close() }
}

// A process that waits for another one to change the schema doesn't wait for ever,
// and says for what it has waited. The time to connect is none of that.
func TestAnotherProcessNeverEndsWithTheSchema(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		release := holdSchema(t, p)
		options := store.Options{Folder: p.folder, Patience: time.Millisecond}
		s, err := store.Open(t.Context(), database.MustParse(p.address), options)
		if err == nil {
			_ = s.Close()
			t.Fatal("it didn't wait")
		}
		if !strings.Contains(err.Error(), "another process has been changing the schema for 1ms") {
			t.Errorf("%v", err)
		}
		release()
		p.open(t)
	})
}

// A name may be as long as the server allows.
func TestADatabaseWithALongName(t *testing.T) {
	t.Parallel()
	server := servers.MariaDB(t)
	name := strings.Repeat("long_", 12) + "name"
	server.Run(t, server.URL(""), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4;")
	for range 2 {
		replace(t, open(t, server.URL(name), ""), demo(t))
	}
}

// Behind a pool that gives each transaction another session, an operator has the
// driver prepare nothing: what is written is the same.
func TestStatementsThatArentPrepared(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"exec", "simple_protocol"} {
		for name, test := range map[string]func(*testing.T, *store.Store){
			"links": testLinks, "people": testPeople, "leases": testLeasesAtOnce, "retention": testRetention, "search": testSearch, "overrides": testOverrides,
			"site": func(t *testing.T, s *store.Store) {
				replace(t, s, demo(t, account("office@example.com", "info@example.com"), account("😀@example.com")))
				lookUpAll(t, s, stored(t, s))
				publish(t, s, doctor.Documents{Name: "example.com", Served: []byte("\x00{}")})
				if text, err := s.Document(t.Context(), "example.com"); err != nil || string(text) != "\x00{}" {
					t.Errorf("%q %v", text, err)
				}
			},
		} {
			t.Run(mode+" "+name, func(t *testing.T) {
				t.Parallel()
				test(t, open(t, servers.PostgreSQL(t).Create(t)+"&default_query_exec_mode="+mode, ""))
			})
		}
	}
}

// A process starts, and reads, while another one imports for long.
func TestStartingDuringAnImport(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		importer := p.open(t)
		replace(t, importer, demo(t, account("office@example.com")))
		err := importer.Bulk(t.Context(), func(b *store.Bulk) error {
			if err := b.PutAccounts(t.Context(), []policy.Account{account("new@example.com")}); err != nil {
				return err
			}
			if _, err := p.open(t).Account(t.Context(), "office@example.com"); err != nil {
				t.Errorf("a reader: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A database of another encoding would take a stranger's address for a failure.
func TestAnotherEncodingIsRefusedAndUntouched(t *testing.T) {
	t.Parallel()
	server := servers.PostgreSQL(t)
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		name := "of_" + strings.ToLower(encoding)
		server.Run(t, server.URL(""), "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LOCALE 'C' TEMPLATE template0;")
		_, err := place{address: server.URL(name)}.try(t.Context())
		if !errors.Is(err, store.ErrEncoding) || !strings.Contains(err.Error(), "its encoding is "+encoding) {
			t.Errorf("%s: %v", encoding, err)
		}
		if tables := server.Run(t, server.URL(name), "SELECT tablename FROM pg_tables WHERE schemaname = 'public';"); strings.TrimSpace(tables) != "" {
			t.Errorf("%s: it has %s", encoding, tables)
		}
	}
	// What the error says to do works.
	server.Run(t, server.URL(""), "CREATE DATABASE of_latin1_utf8 ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0;")
	replace(t, open(t, server.URL("of_latin1_utf8"), ""), demo(t, account("😀@example.com")))
}

// The schema before the first release had the same tables, another place for its
// version, and up to seven of these.
func TestAnOlderSchemaIsRefusedAndUntouched(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		replace(t, s, demo(t, account("office@example.com")))
		db := p.raw(t)
		for _, statement := range []string{
			`DROP TABLE autoconfig_schema`, `DROP TABLE failures`,
			`CREATE TABLE goose_db_version (version_id INT, is_applied INT)`, `INSERT INTO goose_db_version VALUES (6, 1)`,
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the first look changes nothing of it
			_, err := p.try(t.Context())
			if !errors.Is(err, store.ErrOlderSchema) || !strings.Contains(err.Error(), "autoconfig export > site.yaml") {
				t.Errorf("opened: %v", err)
			}
		}
		if site := stored(t, s); len(site.Accounts) != 1 || len(site.Domains) != 2 {
			t.Errorf("%+v is left", site)
		}
		if _, err := db.ExecContext(t.Context(), `SELECT 1 FROM failures`); err == nil {
			t.Error("its tables were changed")
		}
	})
}
