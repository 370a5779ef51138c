package database

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sqlite:a.db":                          "sqlite sqlite:a.db",
		"sqlite::memory:":                      "sqlite sqlite::memory:",
		"postgres://u:p@h/n":                   "postgres postgres://u:xxxxx@h/n",
		"postgresql://h/n?password=p":          "postgres postgresql://h/n?password=xxxxx",
		"mysql://u:p%40%2F@h:3307/n?tls=false": "mysql mysql://u:xxxxx@h:3307/n?tls=false",
		"mariadb://u@[::1]/n":                  "mysql mariadb://u@[::1]/n",
		"postgres://u:p@/n?host=/run/postgres": "postgres postgres://u:xxxxx@/n?host=/run/postgres",
	} {
		if a, err := Parse(text); err != nil || string(a.Kind)+" "+a.String() != want {
			t.Errorf("%s: %s %s %v, want %s", text, a.Kind, a, err, want)
		}
	}
}

func TestWrongAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "write sqlite:FILE",
		"sqlite:":                       "write sqlite:FILE",
		"a.db":                          "write sqlite:FILE",
		"oracle://u:hunter2@h/n":        `not a database: "oracle://u:xxxxx@h/n"`,
		"postgres://u:hunter2@h":        "names no database",
		"postgres://u:hunter2@h/":       "names no database",
		"mysql://u:hunter2@h/?tls=true": "names no database",
		"postgres://u:hun%ter2@h/n":     "special characters in a password",
		"postgres://u:hunter2@h:port/n": "can't be read as a URL",
		"h?password=hunter2":            "write sqlite:FILE",
		"postgres:u:hunter2@h/n":        "names no database",
		"u:hunter2@h/n":                 "write sqlite:FILE",
	} {
		_, err := Parse(text)
		if !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "hun%ter2") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestWrongParametersShowNoPassword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mysql://u:hunter2@h/n?tls=maybe":                        "tls",
		"mysql://u:hunter2@h/n?password=hunter2":                 "password",
		"mysql://u:hunter2@h/n?ca=nowhere.pem":                   "nowhere.pem",
		"postgres://u:hunter2@h/n?sslmode=perhaps":               "sslmode",
		"postgres://u:hunter2@h/n?password=hunter2&sslmode=none": "sslmode",
		"postgres://u:hunter2@h/n?sslrootcert=nowhere.pem":       "nowhere.pem",
	} {
		a, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(a, Options{Folder: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Open(Address{}, Options{}); !errors.Is(err, ErrURL) {
		t.Errorf("no kind: %v", err)
	}
}

func TestWhatLeavesTheMachineIsEncrypted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"postgres://u@127.0.0.1/n":                        false,
		"postgres://u@localhost/n":                        false,
		"postgres://u@[::1]/n":                            false,
		"postgres://u@/n?host=/run/postgresql":            false,
		"postgres://u@db.example.com/n":                   true,
		"postgres://u@192.0.2.1/n":                        true,
		"postgres://u@localhost,db.example.com/n":         true,
		"postgres://u@localhost/n?host=db.example.com":    true, // the parameter wins
		"postgres://u@db.example.com/n?sslmode=disable":   false,
		"postgres://u@db.example.com/n?connect_timeout=1": true,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		db, config, err := openPostgreSQL(u, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		// prefer has a way without TLS behind the one with it.
		verified := config.TLSConfig != nil && !config.TLSConfig.InsecureSkipVerify
		for _, other := range config.Fallbacks {
			verified = verified && other.TLSConfig != nil && !other.TLSConfig.InsecureSkipVerify
		}
		if verified != want {
			t.Errorf("%s: verified TLS %t, want %t", text, verified, want)
		}
	}
}

func TestMySQLIsEncryptedOnAWay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mysql://u:p@127.0.0.1/n":                      "tcp 127.0.0.1:3306 plain",
		"mysql://u:p@db.example.com/n":                 "tcp db.example.com:3306 db.example.com",
		"mysql://u:p@db.example.com:3307/n?tls=false":  "tcp db.example.com:3307 plain",
		"mysql://u:p@127.0.0.1/n?tls=true":             "tcp 127.0.0.1:3306 127.0.0.1",
		"mysql://u:p@[2001:db8::1]/n":                  "tcp [2001:db8::1]:3306 2001:db8::1",
		"mysql://u:p@db.example.com/n?socket=/run/m.s": "unix /run/m.s plain",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := configMySQL(u, "")
		if err != nil {
			t.Fatal(err)
		}
		tls := "plain"
		if c.TLS != nil {
			tls = c.TLS.ServerName
			if c.TLS.InsecureSkipVerify {
				tls = "unverified"
			}
		}
		if got := c.Net + " " + c.Addr + " " + tls; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAnAuthorityIsReadFromTheFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	u, err := url.Parse("mysql://u:p@db.example.com/n?ca=sub/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := configMySQL(u, folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "sub", "ca.pem"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := configMySQL(u, folder); !errors.Is(err, ErrURL) {
		t.Errorf("no certificate: %v", err)
	}
}

func TestQuestionMarksBecomeNumbers(t *testing.T) {
	t.Parallel()
	const query = "SELECT a FROM t WHERE b = ? AND c IN (?, ?)"
	for kind, want := range map[Kind]string{
		PostgreSQL: "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)",
		SQLite:     query,
		MySQL:      query,
	} {
		if got := kind.bind(query); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if got := PostgreSQL.bind("SELECT 1"); got != "SELECT 1" {
		t.Error(got)
	}
	if got := Marks(3); got != "?, ?, ?" {
		t.Error(got)
	}
}
