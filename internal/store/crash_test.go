package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/store"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
)

// The environment of the child process that is killed: where its database is.
const (
	killAddress = "AUTOCONFIG_TEST_KILL_ADDRESS"
	killFolder  = "AUTOCONFIG_TEST_KILL_FOLDER"
)

// servers are shared by the tests of this package.
var servers testkit.DatabaseServers

func TestMain(m *testing.M) {
	if address := os.Getenv(killAddress); address != "" {
		os.Exit(replaceUntilKilled(place{address, os.Getenv(killFolder)}))
	}
	os.Exit(testkit.Run(m, servers.Close))
}

// killSite is one of two sites that have nothing in common but the domain.
func killSite(letter string) policy.Site {
	var accounts []policy.Account
	for i := range 200 {
		accounts = append(accounts, account(fmt.Sprintf("%s%d@example.com", letter, i), fmt.Sprintf("%s%d-too@example.com", letter, i)))
	}
	site := unchecked(accounts...)
	site.Providers[0].Name = "Provider " + letter
	return site
}

// replaceUntilKilled is the child: it puts one site in the place of the other for
// ever, and says on its output when it has begun.
func replaceUntilKilled(p place) int {
	ctx := context.Background()
	s, err := p.try(ctx)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	sites := []policy.Site{killSite("a"), killSite("b")}
	for i := 0; ; i++ {
		if err := s.Replace(ctx, sites[i%2]); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println("stored", i)
	}
}

// A process that is killed while it changes the site leaves the one or the other,
// never a mixture. KILLS says how often; make torture sets hundreds.
func TestAKilledChangeIsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	kills := testkit.Size(t, "KILLS", 5)
	onEachPlace(t, func(t *testing.T, p place) { testKilledChanges(t, p, kills) })
}

func testKilledChanges(t *testing.T, p place, kills int) {
	replace(t, p.open(t), killSite("a"))
	seen := map[string]int{}
	for range kills {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), killAddress+"="+p.address, killFolder+"="+p.folder)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "stored") {
			t.Fatalf("the child says %q", lines.Text())
		}
		// Somewhere within the next changes: where exactly is what the test varies.
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed

		s, err := p.try(t.Context())
		if err != nil {
			t.Fatalf("opened after a kill: %v", err)
		}
		got := stored(t, s)
		letter := strings.TrimPrefix(got.Providers[0].Name, "Provider ")
		want := inOrder(killSite(letter))
		want.ID = got.ID
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("a mixture: %d accounts of provider %s, the first is %s", len(got.Accounts), letter, got.Accounts[0].Address)
		}
		lookUpAll(t, s, got)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		seen[letter]++
	}
	t.Logf("left after %d kills: %v", kills, seen)
}

// raw is the database without our store around it.
func (p place) raw(t *testing.T) *database.DB {
	t.Helper()
	address, err := database.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(address, database.Options{Folder: p.folder, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestANewerSchemaIsRefusedAndUntouched(t *testing.T) {
	t.Parallel()
	onEachPlace(t, testNewerSchema)
}

func testNewerSchema(t *testing.T, p place) {
	replace(t, p.open(t), demo(t))
	db := p.raw(t)
	if _, err := db.ExecContext(t.Context(), `INSERT INTO autoconfig_schema (version_id, is_applied) VALUES (99, TRUE)`); err != nil {
		t.Fatal(err)
	}
	_, err := p.try(t.Context())
	if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), "version 99, this binary knows ") {
		t.Errorf("opened: %v", err)
	}
	var domains int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM domains`).Scan(&domains); err != nil || domains != 2 {
		t.Errorf("%d domains, %v", domains, err)
	}
}

// A plan that went missing by another hand is a failure, not an unserved domain.
func TestABrokenDatabaseIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	onEachPlace(t, testBroken)
}

func testBroken(t *testing.T, p place) {
	s, db := p.open(t), p.raw(t)
	replace(t, s, demo(t))
	for table, want := range map[string]string{"providers": "no provider main", "plans": "no plan standard"} {
		if _, err := db.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
			t.Fatal(err)
		}
		anew, err := p.try(t.Context()) // the first has what it read in memory
		if err != nil {
			t.Fatal(err)
		}
		if _, err := anew.Terms(t.Context(), "example.com"); !errors.Is(err, directory.ErrUnusable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", table, err, want)
		}
		if err := anew.Close(); err != nil {
			t.Error(err)
		}
		replace(t, s, policy.Site{})
		replace(t, s, demo(t))
	}
}
