package store_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/doctor"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

var backupTime = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// fill puts something into every table.
func fill(t testing.TB, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	boss := account(`"bo ss"@example.com`, "boss@example.com")
	boss.Name, boss.Protocol, boss.Login = "Böss <&> \"x' 日本 \\", settings.POP3, "00123"
	replace(t, s, demo(t, boss, account("office@example.com"), account("grüße@example.org")))
	tidy := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tidy(s.PutOverride(ctx, policy.Override{Address: settings.MustAddress("workshop@example.com"), Protocol: settings.POP3, Note: "on the ph\u00f6ne", ChangedBy: "eva", ChangedAt: backupTime}))
	k := &links.Keeper{Store: s, Secret: []byte("x"), Now: func() time.Time { return backupTime }}
	for range 3 {
		_, l, err := k.Make(ctx, links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "staff:eva"})
		tidy(err)
		tidy(s.AddLinkEvent(ctx, l.ID, links.Opened, links.IPhone, backupTime))
		tidy(s.AddEntry(ctx, staff.Entry{At: backupTime, Actor: "staff:eva", Action: "link made", Subject: "office@example.com", Domain: "example.com"}))
	}
	tidy(s.AddPerson(ctx, staff.Person{ID: "p1", Subject: "eva", Name: "eva", Role: staff.Admin, Domains: []string{"*"}, Password: "$argon2id$x", TOTPKey: []byte{0, 0xff, '"', 'a'}, LastTOTPStep: 7, MadeAt: backupTime}))
	tidy(s.AddPerson(ctx, staff.Person{ID: "p2", Subject: "otto", Name: "otto", Role: staff.Staff, Domains: []string{"example.com"}, Password: "$argon2id$y", MadeAt: backupTime}))
	tidy(s.PutSession(ctx, []byte("a session"), staff.Session{Person: "p1", MadeAt: backupTime, SeenAt: backupTime}))
	tidy(s.PutToken(ctx, []byte("a hash that is text, and one that"), staff.Token{ID: "t1", Name: "panel", Scopes: staff.Scopes, Domains: []string{"*"}, MadeAt: backupTime}))
	publish(t, s, doctor.Documents{Name: "example.com", Served: []byte(`{"a": 1}`)})
	publish(t, s, doctor.Documents{Name: "example.net", Served: []byte{}, Waiting: []byte("{\n}")})
	tidy(s.PutCheck(ctx, doctor.Result{Report: doctor.Report{Domain: "example.com"}, CheckedAt: backupTime, DueAt: backupTime}))
	if _, err := s.TakeLease(ctx, "checks", "me", backupTime, backupTime); err != nil {
		t.Fatal(err)
	}
}

func backup(t testing.TB, s *store.Store) []byte {
	t.Helper()
	var file bytes.Buffer
	wrote := int64(0)
	all, err := s.Backup(t.Context(), &file, store.BackupOptions{Now: backupTime, Program: "1.2", Secret: "abc", Wrote: func(n int) { wrote += int64(n) }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.VerifyBackup(bytes.NewReader(file.Bytes()), func(n int) { wrote -= int64(n) })
	if err != nil || !reflect.DeepEqual(got, all) || wrote != 0 {
		t.Fatalf("read back: %v, %+v, want %+v, %d rows more", err, got, all, wrote)
	}
	return file.Bytes()
}

// lines are those of a backup.
func lines(t testing.TB, file []byte) []string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(text)))
}

// content is what a backup has between its first and its last line, in a stable order.
func content(t testing.TB, file []byte) []string {
	t.Helper()
	all := lines(t, file)
	all = all[1 : len(all)-1]
	slices.Sort(all)
	return all
}

// archive packs lines as a backup, with the right end.
func archive(t testing.TB, text string, rows string) []byte {
	t.Helper()
	var file bytes.Buffer
	zip := gzip.NewWriter(&file)
	_, err := fmt.Fprintf(zip, "%s{\"end\":{%s},\"sha256\":\"%x\"}\n", text, rows, sha256.Sum256([]byte(text)))
	if err := errors.Join(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// What is backed up comes back in every kind of database, from every kind.
func TestABackupComesBackInEveryKind(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		fill(t, s)
		file := backup(t, s)
		want := content(t, file)
		if all := strings.Join(want, ""); strings.Count(all, "\n") < 40 || !strings.Contains(all, "ph\u00f6ne") {
			t.Fatalf("there is too little in it:\n%s", all)
		}
		onEachPlace(t, func(t *testing.T, to place) { testRestored(t, to.open(t), file, want) })
	})
}

func testRestored(t *testing.T, s *store.Store, file []byte, want []string) {
	before := generation(t, s)
	all, err := s.Restore(t.Context(), bytes.NewReader(file), store.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if all.Program != "1.2" || all.Secret != "abc" || all.Rows["links"] != 3 || all.Rows["people"] != 2 || all.Rows["overrides"] != 1 {
		t.Errorf("restored %+v", all)
	}
	if got := content(t, backup(t, s)); !slices.Equal(got, want) {
		t.Errorf("another backup:\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
	if now := generation(t, s); now <= before {
		t.Errorf("generation %d after %d: caches don't ask again", now, before)
	}
	lookUpAll(t, s, stored(t, s))
	if p, err := s.Person(t.Context(), "p1"); err != nil || !bytes.Equal(p.TOTPKey, []byte{0, 0xff, '"', 'a'}) {
		t.Errorf("%+v, %v", p, err)
	}
	if token, err := s.TokenByHash(t.Context(), []byte("a hash that is text, and one that")); err != nil || token.ID != "t1" {
		t.Errorf("%+v, %v", token, err)
	}
	if _, err := s.Session(t.Context(), []byte("a session")); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("a session came back: %v", err)
	}
	if d, err := s.PACC(t.Context(), "example.com"); err != nil || string(d.Served) != `{"a": 1}` || d.Waiting != nil {
		t.Errorf("%q %q %v", d.Served, d.Waiting, err)
	}
	entries, err := s.Entries(t.Context(), staff.EntryFilter{Limit: 1})
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	last := entries[0].ID
	if err := s.AddEntry(t.Context(), staff.Entry{At: backupTime, Actor: "x", Action: "x"}); err != nil {
		t.Errorf("the next entry: %v", err)
	}
	if entries, err = s.Entries(t.Context(), staff.EntryFilter{Limit: 1}); err != nil || entries[0].ID <= last {
		t.Errorf("the entry after %d is %+v, %v", last, entries, err)
	}
}

// A table that somebody adds is in the backup, or is left out for a reason.
func TestEveryTableIsInTheBackupOrLeftOut(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		s, db := p.open(t), p.raw(t)
		rows, err := db.QueryContext(t.Context(), map[database.Kind]string{
			database.SQLite:     `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
			database.PostgreSQL: `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`,
			database.MySQL:      `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()`,
		}[db.Kind])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		found := 0
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			found++
			in, out := slices.Contains(store.Kept, name), store.LeftOut[name] != ""
			if in == out {
				t.Errorf("the table %s is in the backup: %v, left out for a reason: %v; say one of them in backup.go", name, in, out)
			}
		}
		if err := rows.Err(); err != nil || found != len(store.Kept)+len(store.LeftOut) {
			t.Errorf("%d tables, %d are known, %v", found, len(store.Kept)+len(store.LeftOut), err)
		}
		if all, err := store.VerifyBackup(bytes.NewReader(backup(t, s)), nil); err != nil || len(all.Rows) != len(store.Kept) {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// What a backup would take the place of isn't taken away unasked; told so, it is
// replaced, and nothing of it is left.
func TestARestoreTakesNothingAwayUnasked(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		fill(t, s)
		file := backup(t, s)
		want := content(t, file)
		later := account("later@example.com")
		if err := s.PutAccount(t.Context(), later); err != nil {
			t.Fatal(err)
		}
		mine := content(t, backup(t, s))
		_, err := s.Restore(t.Context(), bytes.NewReader(file), store.RestoreOptions{})
		if !errors.Is(err, store.ErrNotEmpty) || !strings.Contains(err.Error(), "accounts 4, overrides 1, pacc 2, checks 1, links 3") {
			t.Errorf("restored unasked: %v", err)
		}
		if got := content(t, backup(t, s)); !slices.Equal(got, mine) {
			t.Error("what was there was changed")
		}
		before := generation(t, s)
		if _, err := s.Restore(t.Context(), bytes.NewReader(file), store.RestoreOptions{Replace: true}); err != nil {
			t.Fatal(err)
		}
		if got := content(t, backup(t, s)); !slices.Equal(got, want) {
			t.Error("what was there is mixed with what was restored")
		}
		if now := generation(t, s); now <= before {
			t.Errorf("generation %d after %d", now, before)
		}
		if _, err := s.Session(t.Context(), []byte("a session")); !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("a session goes on: %v", err)
		}
	})
}

// A damaged backup is refused wherever it is damaged, and changes nothing.
func TestADamagedBackupChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite::memory:", "")
	fill(t, s)
	file := backup(t, s)
	plain := lines(t, file)
	to := open(t, "sqlite::memory:", "")
	replace(t, to, demo(t, account("mine@example.com")))
	mine := content(t, backup(t, to))
	refused := func(name string, file []byte, want error, words string) {
		t.Helper()
		for what, do := range map[string]func() error{
			"verified": func() error { _, err := store.VerifyBackup(bytes.NewReader(file), nil); return err },
			"restored": func() error {
				_, err := to.Restore(t.Context(), bytes.NewReader(file), store.RestoreOptions{Replace: true})
				return err
			},
		} {
			if what == "verified" && !errors.Is(want, store.ErrBackup) {
				continue
			}
			if err := do(); !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
				t.Errorf("%s, %s: %v, want %q", name, what, err, words)
			}
		}
		if got := content(t, backup(t, to)); !slices.Equal(got, mine) {
			t.Fatalf("%s: what was there was changed", name)
		}
	}
	for n := 0; n < len(file); n += 97 {
		refused(fmt.Sprintf("cut at %d of %d", n, len(file)), file[:n], store.ErrBackup, "")
	}
	refused("cut before the checksum", file[:len(file)-1], store.ErrBackup, "cut short")
	for n := 0; n < len(file); n += 101 {
		if n < 10 { // the header of gzip has a time and the like
			continue
		}
		wrong := bytes.Clone(file)
		wrong[n] ^= 0x10
		refused(fmt.Sprintf("byte %d is another", n), wrong, store.ErrBackup, "")
	}
	refused("another file", []byte("site_id: abc\n"), store.ErrBackup, "was not written by autoconfig backup")
	head := strings.Replace(plain[0], `"schema":`, `"schema":1`, 1)
	refused("another gzip", archive(t, "{\"a\":1}\n", ""), store.ErrBackup, "was not written by autoconfig backup")
	refused("a newer format", archive(t, strings.Replace(plain[0], `_backup":1`, `_backup":2`, 1), ""), store.ErrBackup, "autoconfig 1.2 wrote it in format 2, this one reads 1")
	refused("a newer schema", archive(t, head, ""), store.ErrNewerSchema, "use the newer autoconfig")
	whole := strings.Join(plain[:len(plain)-1], "")
	if _, err := to.Restore(t.Context(), bytes.NewReader(archive(t, plain[0], "")), store.RestoreOptions{Replace: true}); !errors.Is(err, store.ErrBackup) || !strings.Contains(err.Error(), "it has no table meta") {
		t.Errorf("no table: %v", err)
	}
	refused("a row is gone", archive(t, whole, `"meta":1`), store.ErrBackup, "its checksum is wrong")
	refused("the table comes twice", archive(t, whole+plain[1], ""), store.ErrBackup, "comes twice")
	refused("something behind the end", append(bytes.Clone(file), file...), store.ErrBackup, "after the end")
}

// A table or column of somebody's own making is refused before it is in any SQL.
func TestABackupNamesNoOtherTables(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite::memory:", "")
	head := lines(t, backup(t, s))[0]
	for _, table := range []string{`{"table":"sessions","columns":["hash"]}`, `{"table":"meta","columns":["value","name"]}`, `{"table":"meta; DROP TABLE audit","columns":["name","value"]}`} {
		file := archive(t, head+table+"\n[\"a\",\"b\"]\n", "")
		_, err := s.Restore(t.Context(), bytes.NewReader(file), store.RestoreOptions{Replace: true})
		if !errors.Is(err, store.ErrBackup) {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// A backup under changes is one moment: each change is in it or isn't.
func TestABackupIsOneMoment(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		replace(t, s, demo(t))
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		defer group.Wait()
		defer stop()
		changes := make(chan int)
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				err := s.Bulk(ctx, func(b *store.Bulk) error {
					return b.PutAccounts(ctx, []policy.Account{account(fmt.Sprintf("a%d@example.com", i)), account(fmt.Sprintf("b%d@example.com", i))})
				})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				select {
				case changes <- i:
				default:
				}
			}
		})
		for range 5 {
			<-changes
			var file bytes.Buffer
			// In the middle, between one table and the next, waits for another change.
			once := sync.OnceFunc(func() { <-changes; <-changes })
			all, err := s.Backup(t.Context(), &file, store.BackupOptions{Wrote: func(int) { once() }})
			if err != nil {
				t.Fatal(err)
			}
			// Each account has an address, and digests in three names, one of which is written in two ways.
			if n := all.Rows["accounts"]; n%2 != 0 || n == 0 || all.Rows["addresses"] != n || all.Rows["digests"] != 4*n {
				t.Errorf("%d accounts, %d addresses, %d digests", n, all.Rows["addresses"], all.Rows["digests"])
			}
		}
	})
}

// Whoever writes while a backup is restored waits, and is not mixed in.
func TestNobodyWritesIntoARestore(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		s, other := p.open(t), p.open(t)
		fill(t, s)
		file := backup(t, s)
		wrote := make(chan error, 1)
		begin := sync.OnceFunc(func() {
			go func() {
				wrote <- other.AddEntry(context.Background(), staff.Entry{At: backupTime, Actor: "x", Action: "meanwhile"})
			}()
			select {
			case err := <-wrote:
				wrote <- err
			case <-time.After(50 * time.Millisecond): // it waits, as it should
			}
		})
		_, err := s.Restore(t.Context(), bytes.NewReader(file), store.RestoreOptions{Replace: true, Read: func(int) { begin() }})
		if err != nil {
			t.Errorf("restored: %v", err)
		}
		if err := <-wrote; err != nil {
			t.Errorf("written meanwhile: %v", err)
		}
		entries, err := s.Entries(t.Context(), staff.EntryFilter{Limit: 10})
		if err != nil || len(entries) != 4 || entries[0].Action != "meanwhile" {
			t.Errorf("%+v, %v", entries, err)
		}
	})
}

// laterMigrations are those of a later version, which has another column.
func laterMigrations(t *testing.T) fstest.MapFS {
	t.Helper()
	later := fstest.MapFS{}
	for _, kind := range []string{"sqlite", "postgres", "mysql"} {
		files, err := fs.Glob(store.Embedded, "migrations/"+kind+"/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			text, err := store.Embedded.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			later[file] = &fstest.MapFile{Data: text}
		}
		later["migrations/"+kind+"/90000_later.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE accounts ADD COLUMN later BIGINT NOT NULL DEFAULT 7;\n")}
	}
	return later
}

// A database and a backup of an older version are brought up to date by the way.
func TestAnOlderVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		older := p.open(t)
		replace(t, older, demo(t, policy.Account{Address: settings.MustAddress("office@example.com"), Name: "Front Office"}))
		var file bytes.Buffer
		old, err := older.Backup(t.Context(), &file, store.BackupOptions{Program: "0.4"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), database.MustParse(p.address), store.Options{Folder: p.folder}.WithMigrations(laterMigrations(t)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		db := p.raw(t)
		look := func() {
			t.Helper()
			var later int
			if err := db.QueryRowContext(t.Context(), `SELECT later FROM accounts WHERE address = 'office@example.com'`).Scan(&later); err != nil || later != 7 {
				t.Errorf("%d %v", later, err)
			}
			if found, err := s.SearchAccounts(t.Context(), "front", nil, 5); err != nil || len(found) != 1 || found[0].Name != "Front Office" {
				t.Errorf("%+v, %v", found, err)
			}
		}
		look()
		all, err := s.Restore(t.Context(), &file, store.RestoreOptions{Replace: true})
		if err != nil || all.Schema != old.Schema || all.Program != "0.4" || all.Rows["accounts"] != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		look()
	})
}
