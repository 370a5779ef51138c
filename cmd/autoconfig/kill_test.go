package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

// kills is how often each change is killed; make torture sets hundreds.
func kills(t *testing.T) int { t.Helper(); return testkit.Size(t, "KILLS", 4) }

// killable is a folder whose database is changed by processes that are killed.
type killable struct {
	t       *testing.T
	folder  string
	address string
	moments *rand.Rand
}

func newKillable(t *testing.T, kind string) *killable {
	t.Helper()
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("KILLS_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("KILLS_SEED=%d", seed)
	k := &killable{t: t, folder: t.TempDir(), address: homes[kind](t), moments: rand.New(rand.NewPCG(seed, 0))} // no secret
	writeFile(t, k.folder, "autoconfig.yaml", "public_url: https://setup.example.com\ncheck: {every: \"0\"}\nrate_limit: {per_second: 0}\ndatabase: "+strconv.Quote(k.address)+"\n")
	return k
}

// within is a moment of a time.
func (k *killable) within(d time.Duration) time.Duration {
	return time.Duration(k.moments.Int64N(int64(d)))
}

// run runs the binary, which is killed after a time unless that is 0, and tells
// whether it said that it has done what it was told.
func (k *killable) run(line string, after time.Duration) (acknowledged bool) {
	k.t.Helper()
	cmd := exec.Command("autoconfig", strings.Fields(line)...)
	cmd.Dir = k.folder
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	if err := cmd.Wait(); err != nil && (after == 0 || cmd.ProcessState.Exited()) {
		k.t.Fatalf("%s: %v\n%s%s", line, err, &out, &errs)
	}
	return cmd.ProcessState.Success() || out.Len() > 0
}

// whole opens the database as a command does, and holds that it is in order. do is
// given it when nobody else has it open.
func (k *killable) whole(do func(db *database.DB)) {
	k.t.Helper()
	status, out, errs := command(k.t, "", "--config", filepath.Join(k.folder, "autoconfig.yaml"), "domain", "list")
	if status != 0 {
		k.t.Fatalf("opened after a kill: %d %s%s", status, out, errs)
	}
	parsed, err := database.Parse(k.address)
	if err != nil {
		k.t.Fatal(err)
	}
	db, err := database.Open(parsed, database.Options{Folder: k.folder, Connections: 1})
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // before the next process, which finds what a killed one left
	if db.Kind == database.PostgreSQL {
		// The server finishes what it was sent by a client that is gone.
		testkit.Until(k.t, func() string { return "the killed one's connections end" }, func() bool {
			return column(k.t, db, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`)[0] == "0"
		})
	} else if seen := column(k.t, db, `PRAGMA integrity_check`); !slices.Equal(seen, []string{"ok"}) {
		k.t.Fatalf("the file is damaged: %q", seen)
	}
	do(db)
}

// shape is all that commands change, without the numbers of rows: each address and
// each digest with the account that it leads to.
func shape(t *testing.T, db *database.DB) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT id, position, document FROM providers`, `SELECT name, position, document FROM plans`,
		`SELECT name, position, document FROM domains`, `SELECT name, domain FROM domain_names`,
		`SELECT address, domain, own, search, document FROM accounts`,
		`SELECT x.address, a.address FROM addresses x LEFT JOIN accounts a ON a.id = x.account`,
		`SELECT x.digest, a.address FROM digests x LEFT JOIN accounts a ON a.id = x.account`,
		`SELECT name, role, domains FROM people`,
	} {
		rows := column(t, db, query)
		slices.Sort(rows)
		all = append(all, query)
		all = append(all, rows...)
	}
	return strings.Join(all, "\n")
}

// change is one of two command lines, each of which undoes what the other does.
type change struct{ line, action string }

// alternation are two commands that are killed in turn.
type alternation struct {
	begin []string // what is there before
	two   [2]change
}

// A command that is killed has done all or nothing, with its entry in the audit log or
// without; what it said it has done is done.
func TestAKilledCommandHasDoneAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]alternation{
		"apply": {
			two: [2]change{{"apply a.yaml", "site applied"}, {"apply b.yaml", "site applied"}},
		},
		"import": {
			begin: []string{"apply empty.yaml"},
			two:   [2]change{{"import accounts a.csv", "accounts imported"}, {"import accounts b.csv", "accounts imported"}},
		},
		"staff": {
			begin: []string{"apply empty.yaml"},
			two:   [2]change{{"staff add eva --role admin", "person added"}, {"staff remove eva", "person removed"}},
		},
	} {
		for _, kind := range []string{"sqlite", "postgresql"} {
			if kind == "postgresql" && name != "apply" && os.Getenv("KILLS") == "" {
				continue
			}
			t.Run(name+" on "+kind, func(t *testing.T) {
				t.Parallel()
				k := newKillable(t, kind)
				for _, letter := range []string{"a", "b"} {
					writeFile(t, k.folder, letter+".yaml", killedSite(letter))
					writeFile(t, k.folder, letter+".csv", killedFile(letter))
				}
				writeFile(t, k.folder, "empty.yaml", killedSite(""))
				for _, line := range a.begin {
					k.run(line, 0)
				}
				k.alternate(a.two)
			})
		}
	}
}

// killedAccounts is how many accounts are changed at once.
const killedAccounts = 1000

// killedSite is a site that has nothing in common with that of another letter but the
// demo's; "" has no more than that.
func killedSite(letter string) string {
	var b strings.Builder
	b.Write(config.Demo)
	if letter == "" {
		return b.String()
	}
	for i := range killedAccounts {
		fmt.Fprintf(&b, "  - {address: %[1]s%[2]d@example.com, name: %[1]s, protocol: pop3, addresses: [%[1]s%[2]d.too@example.com]}\n", letter, i)
	}
	return strings.ReplaceAll(b.String(), "Example Mail", "Provider "+letter)
}

// killedFile has accounts that differ by the letter of the file.
func killedFile(letter string) string {
	var b strings.Builder
	b.WriteString("address,name,protocol,addresses\n")
	for i := range killedAccounts {
		fmt.Fprintf(&b, "person%[2]d@example.com,%[1]s,%[3]s,%[1]s%[2]d@example.com\n", letter, i, map[string]string{"a": "imap", "b": "pop3"}[letter])
	}
	return b.String()
}

// alternate runs two commands in turn, and kills them.
func (k *killable) alternate(two [2]change) {
	k.t.Helper()
	var shapes [2]string // after each
	var took time.Duration
	for i := range 3 { // the first finds nothing to take away
		began := time.Now()
		k.run(two[i%2].line, 0)
		took = time.Since(began)
		k.whole(func(db *database.DB) { shapes[i%2] = shape(k.t, db) })
	}
	if shapes[0] == shapes[1] {
		k.t.Fatal("nothing is changed")
	}
	entries := 0
	k.whole(func(db *database.DB) { entries = len(column(k.t, db, `SELECT id FROM audit`)) })
	now, edge := 0, took/2
	seen := map[string]int{}
	for i := range kills(k.t) {
		// Every second one is killed near the moment when it stores what it has done.
		moment := 1 + k.within(took*5/4)
		if i%2 == 1 {
			moment = max(1, edge-took/8+k.within(took/4))
		}
		next := 1 - now
		acknowledged := k.run(two[next].line, moment)
		k.whole(func(db *database.DB) {
			is, log := shape(k.t, db), column(k.t, db, `SELECT action FROM audit ORDER BY id`)
			switch {
			case is == shapes[next] && len(log) == entries+1 && log[entries] == two[next].action:
				now, entries = next, len(log)
				edge = max(edge-took/8, took/8)
				seen["done"]++
			case is == shapes[now] && len(log) == entries && !acknowledged:
				edge = min(edge+took/8, took*2)
				seen["not done"]++
			default:
				k.t.Fatalf("%s, killed after %s: acknowledged: %t, as before: %t, done: %t, new entries: %q",
					two[next].line, moment, acknowledged, is == shapes[now], is == shapes[next], log[min(entries, len(log)):])
			}
			if acknowledged {
				seen["acknowledged"]++
			}
		})
	}
	k.t.Logf("%d kills of what takes %s: %v", kills(k.t), took, seen)
}
