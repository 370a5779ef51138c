package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/operator"
	"autoconfig/internal/testkit"
)

// selfCodes are the codes of the problems that "check --self" finds, each once.
func selfCodes(t *testing.T, folder string) (codes []string, text string) {
	t.Helper()
	text = shell(t, folder, "autoconfig check --self --json; echo exit $?")
	body, status, _ := strings.Cut(text, "\nexit ")
	var said struct {
		Looked   []looked           `json:"looked"`
		Problems []operator.Problem `json:"problems"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || said.Problems == nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, p := range said.Problems {
		codes = append(codes, string(p.Code)+" "+p.Where)
	}
	if want := map[bool]string{true: "0\n", false: "1\n"}[len(codes) == 0]; status != want {
		t.Errorf("exit status %s with %d problems", status, len(codes))
	}
	slices.Sort(codes)
	return slices.Compact(codes), text
}

// Each fault of an installation is found with its place, and an installation without one
// has nothing to say.
func TestCheckSelfFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	names := []string{"setup.example.com. 300 A 192.0.2.1"}
	for _, domain := range []string{"example.org", "example.net"} {
		names = append(names, "autoconfig."+domain+". 300 A 192.0.2.1", "autodiscover."+domain+". 300 A 192.0.2.1")
	}
	good := testkit.StartDNS(t, "127.0.0.1:0", names...)
	bad := testkit.StartDNS(t, "127.0.0.1:0", names[1:4]...)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	ca := testkit.NewCA(t)
	other, key := ca.Issue(t, testkit.Leaf{Names: []string{"other.example"}}).PEM(t)

	plain := func(dns string) string {
		return "public_url: https://setup.example.com\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:1\ncheck: {resolver: [\"" + dns + "\"]}\n"
	}
	for name, c := range map[string]struct {
		configuration string
		before        string // a line of shell
		want          []string
	}{
		"nothing":               {configuration: plain(good.Addr)},
		"no configuration":      {before: "rm autoconfig.yaml", want: []string{"configuration-wrong autoconfig.yaml"}},
		"a wrong key":           {configuration: "publik_url: x\n", want: []string{"configuration-wrong autoconfig.yaml"}},
		"a port in use":         {configuration: strings.Replace(plain(good.Addr), "127.0.0.1:0", taken.Addr().String(), 1), want: []string{"listener-unusable listen"}},
		"a folder that isn't":   {configuration: plain(good.Addr) + "templates_folder: texts\n", want: []string{"configuration-wrong "}},
		"a secret for everyone": {configuration: plain(good.Addr), before: "chmod 644 autoconfig.secret", want: []string{"files-unusable secret_file"}},
		"another secret":        {configuration: plain(good.Addr), before: firstSecret, want: []string{"secret-foreign secret_file"}},
		"no database server": {
			configuration: plain(good.Addr) + "database: postgres://nobody@127.0.0.1:1/none?sslmode=disable\n",
			want:          []string{"database-down database"},
		},
		"a database that is none": {configuration: plain(good.Addr), before: "echo no database, this is > autoconfig.db", want: []string{"database-down database"}},
		"a foreign certificate": {
			configuration: plain(good.Addr) + "tls: {certificate: cert.pem, key: key.pem}\n",
			want:          []string{"certificate-chain tls.certificate: cert.pem", "certificate-names tls.certificate: cert.pem"},
		},
		"names that lead nowhere": {configuration: plain(bad.Addr), want: []string{"name-elsewhere DNS", "name-unknown setup.example.com"}},
		"a source that is down": {
			configuration: plain(good.Addr) + "sources: [{name: people, plan: standard, ldap: {servers: [\"ldap://127.0.0.1:1\"], base: \"dc=example\", preset: openldap}}]\n",
			want:          []string{"source-down people"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			put(t, folder, 0o600, map[string]string{
				"cert.pem": string(other), "key.pem": string(key),
				"autoconfig.yaml": plain(good.Addr),
				"site.yaml": "plans:\n  - {name: standard, servers: {imap: {host: imap.example.org}, smtp: {host: smtp.example.org}}}\n" +
					"domains:\n  - {name: example.org, plan: standard}\n  - {name: example.net, plan: standard}\n",
			})
			// As after a first start: the database knows its secret.
			if seen := shell(t, folder, "autoconfig apply > /dev/null && "+firstSecret+" && autoconfig secret accept"); !strings.Contains(seen, "autoconfig.secret") {
				t.Fatal(seen)
			}
			put(t, folder, 0o600, map[string]string{"autoconfig.yaml": c.configuration})
			shell(t, folder, c.before)
			codes, text := selfCodes(t, folder)
			if !slices.Equal(codes, c.want) {
				t.Errorf("found %q, want %q\n%s", codes, c.want, text)
			}
		})
	}
}

// firstSecret makes the secret_file as serve does.
const firstSecret = "umask 077; head -c 32 /dev/urandom > autoconfig.secret"

// A service that runs is asked; another one at its place is told apart. Nothing is made
// where there is nothing.
func TestCheckSelfAsksTheServiceThatRuns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: http://127.0.0.1:8080\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:1\n"})
	if _, text := selfCodes(t, folder); !strings.Contains(text, "autoconfig.db isn't there yet") {
		t.Error(text)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("it made %v: %v", left, err)
	}
	p := serve(t, folder)
	for url, want := range map[string]string{
		"http://127.0.0.1:8080": "the service runs, and says: ready",
		"https://other.example": "and not by one with this configuration",
	} {
		at := filepath.Join(folder, regexp.MustCompile(`\W`).ReplaceAllString(url, "")+".yaml")
		put(t, folder, 0o600, map[string]string{filepath.Base(at): fmt.Sprintf("public_url: %s\nlisten: 127.0.0.1:0\nadmin_listen: %s\n", url, p.private)})
		if seen := shell(t, folder, "autoconfig check --self --config "+at); !strings.Contains(seen, want) {
			t.Errorf("with %s it says\n%s\nwant %s", url, seen, want)
		}
	}
	for _, line := range []string{"--self example.org", "--self --all", "--self --demo", "--self --only dns"} {
		if seen := shell(t, folder, "autoconfig check "+line); !strings.Contains(seen, "--self is about this installation") {
			t.Errorf("%s: %s", line, seen)
		}
	}
}
