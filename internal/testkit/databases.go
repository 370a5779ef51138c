package testkit

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// DatabaseServer is a real server on loopback, with a user that may do anything.
type DatabaseServer struct {
	// Addr is host:port. It stays the same when the server is started again.
	Addr     string
	scheme   string // of its URLs, with "?" and parameters in query
	query    string
	password string
	daemon   *daemon
	client   func(database string) *exec.Cmd // runs the SQL of its standard input
}

// PostgreSQL is a real PostgreSQL.
type PostgreSQL struct{ *DatabaseServer }

// MariaDB is a real MariaDB.
type MariaDB struct{ *DatabaseServer }

// databaseUser is the user in every URL.
const databaseUser = "autoconfig"

// DatabaseServers are those that the tests of a package share: each is started
// for the first test that asks. They end with Close:
//
//	var servers testkit.DatabaseServers
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Run(m, servers.Close)) }
//
// A test that stops, freezes or fills a server starts one of its own.
type DatabaseServers struct {
	mu       sync.Mutex
	postgres *PostgreSQL
	mariadb  *MariaDB
}

// PostgreSQL is the shared one.
func (s *DatabaseServers) PostgreSQL(t testing.TB) *PostgreSQL {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		Need(t, "postgres")
		server, err := startPostgreSQL(nil)
		if err != nil {
			t.Fatal(err)
		}
		s.postgres = &PostgreSQL{server}
	}
	return s.postgres
}

// MariaDB is the shared one.
func (s *DatabaseServers) MariaDB(t testing.TB) *MariaDB {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mariadb == nil {
		Need(t, "mariadbd")
		server, err := startMariaDB(nil)
		if err != nil {
			t.Fatal(err)
		}
		s.mariadb = &MariaDB{server}
	}
	return s.mariadb
}

// Close ends them, and their data with them.
func (s *DatabaseServers) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres != nil {
		s.postgres.daemon.end()
	}
	if s.mariadb != nil {
		s.mariadb.daemon.end()
	}
}

// StartPostgreSQL starts a server that ends with the test. Settings are like
// "max_connections=5", of which none are kept back for administrators.
func StartPostgreSQL(t testing.TB, settings ...string) *PostgreSQL {
	t.Helper()
	Need(t, "postgres")
	server, err := startPostgreSQL(settings)
	return &PostgreSQL{server.of(t, err)}
}

// StartMariaDB starts a server that ends with the test. Settings are like
// "max_connections=10", which is the least that MariaDB takes, and to which it
// adds one for an administrator, which the user of the URLs is.
func StartMariaDB(t testing.TB, settings ...string) *MariaDB {
	t.Helper()
	Need(t, "mariadbd")
	server, err := startMariaDB(settings)
	return &MariaDB{server.of(t, err)}
}

func (s *DatabaseServer) of(t testing.TB, err error) *DatabaseServer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logTail(t, s.daemon.log(), s.daemon.program)
		}
		s.daemon.end()
	})
	return s
}

// URL is where one of its databases is, with user and password.
func (s *DatabaseServer) URL(database string) string {
	u := url.URL{
		Scheme: s.scheme, User: url.UserPassword(databaseUser, s.password), Host: s.Addr, Path: "/" + database,
		RawQuery: s.query,
	}
	return u.String()
}

// Create makes an empty database and returns its URL. It lasts as long as the server.
func (s *DatabaseServer) Create(t testing.TB) string {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text()[:14])
	sql := "CREATE DATABASE " + name + ";"
	if s.scheme == "mysql" {
		sql = "CREATE DATABASE " + name + " CHARACTER SET utf8mb4;"
	}
	s.Run(t, s.URL(""), sql)
	return s.URL(name)
}

// Run has the server's own client run statements, divided by semicolons, in the
// database of a URL, and returns what they print.
func (s *DatabaseServer) Run(t testing.TB, database, statements string) string {
	t.Helper()
	out, err := s.run(database, statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *DatabaseServer) run(database, statements string) (string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", errors.New("that is not a URL of a database")
	}
	cmd := s.client(strings.Trim(u.Path, "/"))
	cmd.Stdin = strings.NewReader(statements)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, problem.String())
	}
	return out.String(), nil
}

// Start starts it again, at the same port with the same data.
func (s *DatabaseServer) Start(t testing.TB) { t.Helper(); s.must(t, s.start()) }

// Stop ends it as an administrator would, without waiting for its clients.
func (s *DatabaseServer) Stop(t testing.TB) { t.Helper(); s.must(t, s.daemon.stop()) }

// Kill ends all its processes at once, as a failing machine would.
func (s *DatabaseServer) Kill(t testing.TB) { t.Helper(); s.must(t, s.daemon.kill()) }

// Freeze halts all its processes: connections stay, and nothing is answered.
func (s *DatabaseServer) Freeze(t testing.TB) { t.Helper(); s.must(t, s.daemon.freeze()) }

// Thaw lets it go on.
func (s *DatabaseServer) Thaw(t testing.TB) { t.Helper(); s.must(t, s.daemon.thaw()) }

func (s *DatabaseServer) must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *DatabaseServer) start() error {
	return s.daemon.start(func() error {
		_, err := s.run(s.URL(""), "SELECT 1;")
		return err
	})
}

func startPostgreSQL(settings []string) (*DatabaseServer, error) {
	bin := postgresFolder()
	return prepared("postgres", func(dir string, as *account, port string) (*DatabaseServer, error) {
		s := &DatabaseServer{
			Addr: "127.0.0.1:" + port, scheme: "postgres", query: "sslmode=disable",
			password: "secret/" + rand.Text(),
		}
		data, word := filepath.Join(dir, "data"), filepath.Join(dir, "password")
		if err := as.write(word, s.password); err != nil {
			return nil, err
		}
		if err := as.run(dir, filepath.Join(bin, "initdb"), "-D", data, "-U", databaseUser, "--pwfile", word,
			"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
			return nil, err
		}
		// Commits are written, so that they outlive a kill, but not synced to the disk.
		args := []string{"-D", data}
		for _, setting := range append([]string{
			"listen_addresses=127.0.0.1", "port=" + port, "unix_socket_directories=", "fsync=off", "full_page_writes=off",
			"shared_buffers=16MB", "max_connections=100", "superuser_reserved_connections=0", "max_wal_size=64MB",
			"autovacuum=off",
		}, settings...) {
			args = append(args, "-c", setting)
		}
		s.daemon = &daemon{program: filepath.Join(bin, "postgres"), args: args, dir: dir, as: as, clean: os.Interrupt}
		s.client = func(database string) *exec.Cmd {
			if database == "" {
				database = "postgres"
			}
			cmd := exec.Command(filepath.Join(bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
				"-p", port, "-U", databaseUser, database)
			cmd.Env = append(as.environment(dir), "PGPASSWORD="+s.password, "PGCONNECT_TIMEOUT=10", "PGCLIENTENCODING=UTF8")
			return cmd
		}
		return s, nil
	})
}

// postgresFolder is where the newest PostgreSQL's programs are, or "": Debian
// keeps them out of PATH.
func postgresFolder() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is good
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b) // 9.6 is older than 15
			}
			return strings.Compare(a, b)
		}))
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	if program, err = filepath.EvalSymlinks(program); err != nil { // the others lie beside the real one
		return ""
	}
	return filepath.Dir(program)
}

func startMariaDB(settings []string) (*DatabaseServer, error) {
	return prepared("mysql", func(dir string, as *account, port string) (*DatabaseServer, error) {
		s := &DatabaseServer{Addr: "127.0.0.1:" + port, scheme: "mysql", password: "secret/" + rand.Text()}
		data, first := filepath.Join(dir, "data"), filepath.Join(dir, "first.sql")
		if err := as.write(first, fmt.Sprintf("CREATE USER IF NOT EXISTS '%[1]s'@'127.0.0.1' IDENTIFIED BY '%[2]s';\n"+
			"GRANT ALL ON *.* TO '%[1]s'@'127.0.0.1' WITH GRANT OPTION;\n", databaseUser, s.password)); err != nil {
			return nil, err
		}
		if err := as.run(dir, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--skip-test-db",
			"--auth-root-authentication-method=normal", "--skip-name-resolve"); err != nil {
			return nil, err
		}
		// As above: written at commit, not synced.
		args := []string{"--no-defaults", "--datadir=" + data, "--tmpdir=" + dir, "--init-file=" + first}
		for _, setting := range append([]string{
			"bind-address=127.0.0.1", "port=" + port, "socket=" + filepath.Join(dir, "socket"),
			"pid-file=" + filepath.Join(dir, "pid"),
			"skip-name-resolve", "skip-log-bin", "innodb-flush-log-at-trx-commit=2", "innodb-doublewrite=0",
			"innodb-buffer-pool-size=24M",
			"innodb-log-file-size=16M", "key-buffer-size=1M", "aria-pagecache-buffer-size=8M", "max_connections=100",
			"character-set-server=utf8mb4",
		}, settings...) {
			args = append(args, "--"+setting)
		}
		s.daemon = &daemon{program: "mariadbd", args: args, dir: dir, as: as, clean: os.Signal(terminate)}
		s.client = func(database string) *exec.Cmd {
			cmd := exec.Command("mariadb", "--no-defaults", "--batch", "--skip-column-names", "--connect-timeout=10",
				"--default-character-set=utf8mb4",
				"-h", "127.0.0.1", "-P", port, "-u", databaseUser, database)
			cmd.Env = append(as.environment(dir), "MYSQL_PWD="+s.password)
			return cmd
		}
		return s, nil
	})
}
