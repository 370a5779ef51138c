package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// An import of a million accounts takes less than this.
const (
	fullImport = 1_000_000
	mostImport = 3 * time.Minute
)

// BenchmarkImport imports domains and accounts by the command, as an operator does,
// into SQLite and PostgreSQL. IMPORT_ACCOUNTS=1000000 is the full size, at which it
// fails if it takes too long; there is a domain for ten accounts.
func BenchmarkImport(b *testing.B) {
	accounts := testkit.Size(b, "IMPORT_ACCOUNTS", 20_000)
	for name, database := range map[string]func(b *testing.B) string{
		"sqlite":     func(*testing.B) string { return "sqlite:autoconfig.db" },
		"postgresql": func(b *testing.B) string { b.Helper(); return testkit.StartPostgreSQL(b).Create(b) },
	} {
		b.Run(name, func(b *testing.B) {
			folder := b.TempDir()
			writeTables(b, folder, accounts)
			address := database(b)
			run := func(args ...string) time.Duration {
				cmd := exec.Command("autoconfig", args...)
				cmd.Dir = folder
				began := time.Now()
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v: %v\n%s", args, err, out)
				}
				return time.Since(began)
			}
			write(b, folder, "autoconfig.yaml", "public_url: https://setup.example.com\ndatabase: \""+address+"\"\n")
			write(b, folder, "site.yaml", "plans:\n  - name: standard\n    servers: {imap: {host: imap.example.com}, pop3: {host: pop.example.com}, smtp: {host: smtp.example.com}}\ndomains: []\n")
			done := false
			for b.Loop() {
				if done {
					continue // once is enough
				}
				done = true
				run("apply")
				domains := run("import", "domains", "domains.csv")
				took := run("import", "accounts", "accounts.csv")
				b.ReportMetric(domains.Seconds(), "s-domains")
				b.ReportMetric(took.Seconds(), "s-accounts")
				b.ReportMetric(float64(accounts)/took.Seconds(), "accounts/s")
				b.ReportMetric(0, "ns/op") // means nothing here
				if accounts >= fullImport && took > mostImport {
					b.Errorf("it took %s, must be within %s", took, mostImport)
				}
			}
		})
	}
}

func write(b *testing.B, folder, name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

func writeTables(b *testing.B, folder string, accounts int) {
	b.Helper()
	table := func(name, head string, rows int, row func(i int) string) {
		f, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			b.Fatal(err)
		}
		w := bufio.NewWriter(f)
		fmt.Fprintln(w, head)
		for i := range rows {
			fmt.Fprintln(w, row(i))
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	domains := max(accounts/10, 1)
	table("domains.csv", "domain,plan", domains, func(i int) string { return fmt.Sprintf("d%d.example,standard", i) })
	table("accounts.csv", "address,name,devices,quota,groups,protocol", accounts, func(i int) string {
		return fmt.Sprintf("user%d@d%d.example,Person %d,%s,%s,%s,%s", i, i%domains, i,
			[]string{"", "one", "several"}[i%3], []string{"", "200MB", "5GB"}[i%7%3], []string{"kiosk", ""}[min(i%50, 1)], []string{"pop3", ""}[min(i%100, 1)])
	})
}
