package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"autoconfig/internal/store"
)

type backupCmd struct {
	jsonFlag
	File   string `arg:"" help:"The file to write; an older backup there is replaced. - for standard output."`
	Verify bool   `help:"Write nothing; read the existing backup and say whether it is intact."`
}

func (b *backupCmd) Help() string {
	return `Writes everything that is kept into one file: the site, accounts, overrides, PACC
documents, setup links, people, tokens, the audit log and results of checks, as they are
at one moment. A running "serve" isn't interrupted. The file is read back before it gets
its name. It is the same for SQLite, PostgreSQL and MariaDB: "restore" reads it into any.

It doesn't contain secret_file, autoconfig.yaml or other files that autoconfig.yaml names:
back those up as well, and keep the secret apart from the backups.

Examples:
  autoconfig backup /var/backups/autoconfig.backup
  autoconfig backup --verify /var/backups/autoconfig.backup
  autoconfig backup - | ssh elsewhere 'cat > autoconfig.backup'`
}

func (b *backupCmd) Run(c *call) error {
	if b.Verify {
		return b.verify(c)
	}
	app, err := openSite(c)
	if err != nil {
		return err
	}
	defer app.close()
	secret, err := app.secretMark()
	if err != nil {
		return err
	}
	m := &meter{what: "backing up"}
	options := store.BackupOptions{Now: time.Now().Truncate(time.Second), Program: version, Secret: secret, Wrote: func(n int) { m.lines.Add(int64(n)) }}
	stop := c.start(m, b.JSON)
	all, err := b.write(c, app, options)
	stop()
	switch {
	case err != nil && c.Err() != nil:
		return errors.New("interrupted: no backup was written")
	case err != nil:
		return err
	case b.JSON && b.File != "-":
		return c.backupJSON(b.File, all)
	}
	out := c.std.out
	if b.File == "-" { // which is where the backup goes
		out = c.std.err
		fmt.Fprintf(out, "Wrote %s. Whether it arrived whole: autoconfig backup --verify FILE\n", contents(all.Rows))
	} else {
		fmt.Fprintf(out, "Wrote %s: %s. It was read back, and is whole.\n", b.File, contents(all.Rows))
	}
	fmt.Fprintf(out, "%s is not in it: keep it too, and elsewhere. Without it %s.\n", app.process.SecretFile, withoutSecret)
	return nil
}

func (b *backupCmd) write(c *call, app *application, o store.BackupOptions) (store.Archive, error) {
	if b.File == "-" {
		return app.store.Backup(c, c.std.out, o)
	}
	if info, err := os.Stat(b.File); err == nil && !info.Mode().IsRegular() {
		return store.Archive{}, fmt.Errorf("%s is not a file; for standard output write -", b.File)
	}
	var all store.Archive
	err := replaceFile(b.File, func(file *os.File) (err error) {
		if all, err = app.store.Backup(c, file, o); err != nil {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err = store.VerifyBackup(file, nil)
		return err
	})
	return all, err
}

// replaceFile writes a file that only we may read under another name, has it on the
// disk, and puts it in the place of the one that is there: there is always a whole one.
func replaceFile(name string, write func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close()) // the name, too
}

func (b *backupCmd) verify(c *call) error {
	file, err := openBackup(c, b.File)
	if err != nil {
		return err
	}
	defer file.close()
	all, err := c.verifyBackup(file, b.JSON)
	if err != nil {
		return err
	}
	if b.JSON {
		return c.backupJSON(b.File, all)
	}
	c.printf("%s is whole: made %s by autoconfig %s from %s, %s.\n", file.name, all.MadeAt.Format("2006-01-02 15:04:05Z"), all.Program, all.Kind, contents(all.Rows))
	return nil
}

type restoreCmd struct {
	jsonFlag
	File    string `arg:"" help:"The backup; - for standard input."`
	Replace bool   `help:"Replace everything that is in the database now."`
}

func (r *restoreCmd) Help() string {
	return `Reads what "backup" wrote into the database that the configuration names: all of it or
nothing. The backup may come from another kind of database and from an older version. A
database that isn't empty is replaced only with --replace. What was written is compared
with the backup before it is committed. A running "serve" uses it within a second. At the
help desk, everybody has to sign in again.

Examples:
  autoconfig restore /var/backups/autoconfig.backup
  autoconfig restore /var/backups/autoconfig.backup --replace`
}

func (r *restoreCmd) Run(c *call) error {
	file, err := openBackup(c, r.File)
	if err != nil {
		return err
	}
	defer file.close()
	if _, err := c.verifyBackup(file, r.JSON); err != nil { // said before anything is done
		return err
	}
	if err := file.again(); err != nil {
		return err
	}
	app, err := openSite(c)
	if err != nil {
		return err
	}
	defer app.close()
	secret, err := app.secretMark()
	if err != nil {
		return err
	}
	m := &meter{what: "restoring " + file.name, size: file.size}
	stop := c.start(m, r.JSON)
	all, err := app.store.Restore(c, m.reading(file.file), store.RestoreOptions{Replace: r.Replace, Read: func(n int) { m.lines.Add(int64(n)) }})
	stop()
	switch {
	case err != nil && c.Err() != nil:
		return errors.New("interrupted: nothing was restored")
	case errors.Is(err, store.ErrNotEmpty):
		return refusal{fmt.Errorf("nothing was restored: %w; to replace it by the backup, add --replace", err)}
	case err != nil:
		return refusedBackup(err)
	}
	if all.Secret != "" && all.Secret != secret {
		fmt.Fprintf(c.std.err, "warning: %s is not the one that was there when the backup was made: put that one in its place, and restart serve; without it %s\n", app.process.SecretFile, withoutSecret)
	}
	if r.JSON {
		return c.backupJSON(r.File, all)
	}
	c.printf("Restored %s of %s: %s. It was read back, and is the same.\n", file.name, all.MadeAt.Format("2006-01-02 15:04:05Z"), contents(all.Rows))
	return nil
}

// openBackup opens a backup so that it can be read twice.
func openBackup(c *call, name string) (*input, error) {
	return openInput(c, name, formatFlag{Format: "backup"})
}

func (c *call) verifyBackup(file *input, quiet bool) (store.Archive, error) {
	m := &meter{what: "reading " + file.name, size: file.size}
	stop := c.start(m, quiet)
	all, err := store.VerifyBackup(m.reading(file.file), func(n int) { m.lines.Add(int64(n)) })
	stop()
	if err != nil {
		err = fmt.Errorf("%s: %w", file.name, err)
	}
	return all, refusedBackup(err)
}

// refusedBackup tells a backup that can't be used from a failure.
func refusedBackup(err error) error {
	if errors.Is(err, store.ErrBackup) || errors.Is(err, store.ErrNewerSchema) {
		return refusal{err}
	}
	return err
}

// backupJSON prints what a backup has.
func (c *call) backupJSON(file string, all store.Archive) error {
	return c.json(struct {
		File    string           `json:"file"`
		MadeAt  time.Time        `json:"made_at"`
		Program string           `json:"program"`
		Kind    string           `json:"kind"`
		Schema  int64            `json:"schema"`
		Rows    map[string]int64 `json:"rows"`
	}{file, all.MadeAt, all.Program, all.Kind, all.Schema, all.Rows})
}

// nothing is said of what is empty.
const nothing = "nothing"

// contents are what a backup has, as people call it.
func contents(rows map[string]int64) string {
	var parts []string
	for _, t := range []struct{ table, one, many string }{
		{"domains", "domain", "domains"},
		{"accounts", "account", "accounts"},
		{"overrides", "override", "overrides"},
		{"pacc", "PACC document", "PACC documents"},
		{"links", "link", "links"},
		{"people", "person", "people"},
		{"tokens", "token", "tokens"},
		{"audit", "entry of the audit log", "entries of the audit log"},
	} {
		switch n := rows[t.table]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+t.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, t.many))
		}
	}
	if len(parts) == 0 {
		return nothing
	}
	return strings.Join(parts, ", ")
}
