package database_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

// Servers with certificates of their own are believed only with the authority.
func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		start               func(cert, key string) *testkit.DatabaseServer
		owner, strict, with string
	}{
		"PostgreSQL": {
			start: func(cert, key string) *testkit.DatabaseServer {
				return testkit.StartPostgreSQL(t, "ssl=on", "ssl_cert_file="+cert, "ssl_key_file="+key).DatabaseServer
			},
			owner: "postgres", strict: "sslmode=verify-full", with: "&sslrootcert=",
		},
		"MariaDB": {
			start: func(cert, key string) *testkit.DatabaseServer {
				return testkit.StartMariaDB(t, "ssl-cert="+cert, "ssl-key="+key).DatabaseServer
			},
			owner: "mysql", strict: "tls=true", with: "&ca=",
		},
	} {
		dir, err := os.MkdirTemp("", "certificates")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		ca := testkit.NewCA(t)
		cert, key := ca.Issue(t, testkit.Leaf{Names: []string{"127.0.0.1"}}).WriteFiles(t, dir)
		if os.Geteuid() == 0 { // as which no database runs
			if out, err := exec.Command("chown", test.owner, cert, key).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		url, _, _ := strings.Cut(test.start(cert, key).Create(t), "?")
		other := testkit.NewCA(t)
		for parameters, want := range map[string]bool{
			test.strict: false,
			test.strict + test.with + ca.WriteFile(t, t.TempDir()):    true,
			test.strict + test.with + other.WriteFile(t, t.TempDir()): false,
		} {
			err := open(t, url+"?"+parameters, database.Options{ReadOnly: true}).Ping(t.Context())
			if (err == nil) != want {
				t.Errorf("%s with %s: %v", name, parameters, err)
			}
		}
	}
}

func TestATextThatAColumnCantHoldIsRecognised(t *testing.T) {
	t.Parallel()
	s := servers.PostgreSQL(t)
	latin := s.URL("latin")
	s.Run(t, s.URL(""), "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;")
	for kind, url := range map[database.Kind]string{database.PostgreSQL: latin, database.MySQL: servers.MariaDB(t).Create(t)} {
		db := open(t, url, database.Options{})
		create := "CREATE TABLE t (a VARCHAR(20))"
		if kind == database.MySQL {
			create += " CHARACTER SET latin1"
		}
		must(t, db, create)
		for value, foreign := range map[string]bool{"ü": false, "日本": true} {
			var n int
			err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t WHERE a = ?", value).Scan(&n)
			if database.IsForeign(err) != foreign || (err == nil) == foreign {
				t.Errorf("%s, %s: %v", kind, value, err)
			}
		}
		_, err := db.ExecContext(t.Context(), "SELECT nothing")
		if err == nil || database.IsForeign(err) || database.IsLost(err) {
			t.Errorf("%s: another error: %v", kind, err)
		}
	}
	if database.IsForeign(nil) || database.IsLost(nil) {
		t.Error("nothing wrong")
	}
}
