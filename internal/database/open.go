package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// DefaultConnections bounds the connections of one pool.
const DefaultConnections = 8

// connectTimeout bounds one connection attempt, greeting and sign-in included.
const connectTimeout = 5 * time.Second

// Options configure how a database is opened. All are optional.
type Options struct {
	// Folder is the folder of a relative SQLite file.
	Folder string
	// Connections bounds the pool; [DefaultConnections] if 0.
	Connections int
	// ReadOnly refuses every change, and doesn't create a missing SQLite file.
	ReadOnly bool
	// Timeout is how long a server lets a statement run, if it supports that; 0 for no
	// limit. The caller's context ends a statement too, but not if the connection is cut.
	Timeout time.Duration
}

// connectTimeout is no longer than callers would wait.
func (o Options) connectTimeout() time.Duration {
	if o.Timeout > 0 {
		return min(o.Timeout, connectTimeout)
	}
	return connectTimeout
}

// DB is a pool of connections. Its statements use question marks for parameters.
type DB struct {
	Kind Kind
	// Folder is the folder of a SQLite file; empty for one in memory and for servers.
	Folder string
	pool   *sql.DB
	// writing is held by whoever changes a SQLite file; nil for databases with many writers.
	writing chan struct{}
	pgx     *pgx.ConnConfig // for Listen
	// statements are prepared statements (*sql.Stmt) by their text.
	statements sync.Map
	prepares   atomic.Int64
	unwritable atomic.Pointer[Unwritable]
}

// Open returns a pool without connecting: a server that is down now may be up later.
func Open(a Address, o Options) (*DB, error) {
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	db := &DB{Kind: a.Kind}
	var err error
	switch a.Kind {
	case SQLite:
		file := a.File
		if file != ":memory:" {
			if !filepath.IsAbs(file) {
				file = filepath.Join(o.Folder, file)
			}
			db.Folder = filepath.Dir(file)
		}
		db.pool, err = openSQLite(file, o)
	case PostgreSQL:
		db.pool, db.pgx, err = openPostgreSQL(a.URL, o)
	case MySQL:
		db.pool, err = openMySQL(a.URL, o)
	default:
		err = ErrURL
	}
	if err != nil {
		return nil, err
	}
	if a.File == ":memory:" {
		db.pool.SetMaxOpenConns(1) // each connection would have a database of its own
		db.pool.SetConnMaxIdleTime(0)
		return db, nil
	}
	if a.Kind == SQLite && !o.ReadOnly {
		db.writing = make(chan struct{}, 1)
	}
	// A few more than can run at once, as waiting takes longer than answering. Each has
	// 1.5 MB of pages.
	if a.Kind == SQLite {
		o.Connections = min(o.Connections, max(8, runtime.NumCPU()))
	}
	db.pool.SetMaxOpenConns(o.Connections)
	db.pool.SetMaxIdleConns(o.Connections) // opening a connection costs more than any query
	db.pool.SetConnMaxIdleTime(5 * time.Minute)
	if a.Kind != SQLite {
		db.pool.SetConnMaxLifetime(time.Hour)
	}
	return db, nil
}

// Close closes the pool.
func (db *DB) Close() error { return db.pool.Close() }

func openSQLite(file string, o Options) (*sql.DB, error) {
	if file == ":memory:" {
		if o.ReadOnly {
			return sql.Open("sqlite", "file::memory:?_pragma=query_only(1)")
		}
		return sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)&_txlock=immediate")
	}
	path := "file:" + (&url.URL{Path: file}).EscapedPath() + "?"
	if o.ReadOnly {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return sql.Open("sqlite", path+url.Values{
			"mode":    {"ro"},
			"_pragma": {"busy_timeout(5000)", "query_only(1)"},
		}.Encode())
	}
	// Data about people must not be readable by others on this machine.
	_, missing := os.Stat(file)
	created, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := created.Close(); err != nil {
		return nil, err
	}
	if missing != nil {
		if err := GiveToOwner(file); err != nil {
			return nil, err
		}
	}
	return sql.Open("sqlite", path+url.Values{
		// busy_timeout comes first, as switching to WAL may have to wait. With FULL,
		// acknowledged changes survive a power failure: the use of a link, a second factor's
		// code, an audit entry. The size limit shrinks the journal after a big change.
		"_pragma": {
			"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(4194304)",
			"foreign_keys(1)", "cache_size(-1500)",
		},
		"_txlock": {"immediate"},
	}.Encode())
}

// openPostgreSQL verifies the server's certificate unless sslmode says otherwise or the
// connection stays on this machine; libpq's default accepts any certificate.
func openPostgreSQL(u *url.URL, o Options) (*sql.DB, *pgx.ConnConfig, error) {
	with := func(mode string) (*pgx.ConnConfig, error) {
		full := *u
		if mode != "" {
			query := u.Query()
			query.Set("sslmode", mode)
			full.RawQuery = query.Encode()
		}
		config, err := pgx.ParseConfig(full.String())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrURL, err) // it masks the URL's passwords
		}
		return config, nil
	}
	mode := ""
	if u.Query().Get("sslmode") == "" {
		mode = "prefer"
	}
	config, err := with(mode)
	if err == nil && mode != "" && slices.ContainsFunc(hosts(config), leavesMachine) {
		config, err = with("verify-full")
	}
	if err != nil {
		return nil, nil, err
	}
	if !u.Query().Has("connect_timeout") {
		config.ConnectTimeout = o.connectTimeout()
	}
	// A database in another character set would otherwise exchange bytes of that one.
	config.RuntimeParams["client_encoding"] = "UTF8"
	if o.ReadOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	if o.Timeout > 0 {
		config.RuntimeParams["statement_timeout"] = strconv.FormatInt(max(o.Timeout.Milliseconds(), 1), 10)
	}
	return sql.OpenDB(plain{stdlib.GetConnector(*config)}), config, nil
}

// hosts returns all hosts that a connection may use: the URL, its parameters and the
// environment may name them.
func hosts(config *pgx.ConnConfig) []string {
	hosts := []string{config.Host}
	for _, other := range config.Fallbacks {
		hosts = append(hosts, other.Host)
	}
	return hosts
}

func openMySQL(u *url.URL, o Options) (*sql.DB, error) {
	c, err := configMySQL(u, o.Folder)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrURL, redacted(u), err)
	}
	return sql.OpenDB(session{connector, c.Addr, o}), nil
}

// configMySQL encrypts and verifies unless tls=false says otherwise or the connection stays on
// this machine. The URL may have the parameters tls (true or false), ca (a file, relative to
// folder) and socket.
func configMySQL(u *url.URL, folder string) (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.User, c.DBName = u.User.Username(), strings.Trim(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	c.Net = "tcp"
	c.Addr = u.Host
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	c.Timeout = connectTimeout
	c.Collation = "utf8mb4_general_ci" // known to both MySQL and MariaDB
	c.ClientFoundRows = true           // UPDATE counts the rows that match, as in the others
	c.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"}
	c.Logger = &mysql.NopLogger{} // lost connections are retried or returned as errors
	encrypt := leavesMachine(u.Hostname()) && u.Query().Get("socket") == ""
	ca := ""
	for key, values := range u.Query() {
		value := values[0]
		switch {
		case key == "socket":
			c.Net = "unix"
			c.Addr = value
		case key == "tls" && (value == "true" || value == "false"):
			encrypt = value == "true"
		case key == "ca":
			ca = value
		default:
			return nil, fmt.Errorf("%w: %q: the parameter %q is not one of tls=true, tls=false, ca=FILE and socket=FILE",
				ErrURL, redacted(u), key)
		}
	}
	if encrypt {
		c.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		if ca != "" {
			text, err := os.ReadFile(filepath.Join(folderOf(ca, folder), filepath.Base(ca)))
			if err != nil {
				return nil, fmt.Errorf("read the database's certificate authority: %w", err)
			}
			c.TLS.RootCAs = x509.NewCertPool()
			if !c.TLS.RootCAs.AppendCertsFromPEM(text) {
				return nil, fmt.Errorf("%w: there is no certificate in PEM in %s", ErrURL, ca)
			}
		}
	}
	return c, nil
}

// session prepares each connection to MySQL or MariaDB, which have different variables for the
// same purpose.
type session struct {
	driver.Connector
	address string
	options Options
}

// Connect implements [driver.Connector].
func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	// The pool also opens connections by itself, with a context without a deadline: a server
	// that accepts and then says nothing would occupy their places.
	ctx, cancel := context.WithTimeout(ctx, s.options.connectTimeout())
	defer cancel()
	connection, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, silent(s.address, err)
	}
	execute := func(statement string) error {
		_, err := connection.(driver.ExecerContext).ExecContext(ctx, statement, nil)
		return err
	}
	if s.options.ReadOnly {
		if err := execute("SET SESSION TRANSACTION READ ONLY"); err != nil {
			_ = connection.Close()
			return nil, err
		}
	}
	if limit := s.options.Timeout; limit > 0 {
		// MariaDB has this one, in seconds; MySQL another one, in milliseconds.
		if execute(fmt.Sprintf("SET SESSION max_statement_time = %.3f", max(limit.Seconds(), 0.001))) != nil {
			_ = execute(fmt.Sprintf("SET SESSION max_execution_time = %d", max(limit.Milliseconds(), 1)))
		}
	}
	return connection, nil
}

func folderOf(file, folder string) string {
	if filepath.IsAbs(file) {
		return filepath.Dir(file)
	}
	return filepath.Join(folder, filepath.Dir(file))
}

// Ping reports whether the database can be reached.
func (db *DB) Ping(ctx context.Context) error { return db.pool.PingContext(ctx) }

// ErrListen means that this kind of database has no notifications.
var ErrListen = errors.New("only PostgreSQL tells of changes")

// Listen calls heard when it begins to listen and for each notification on a channel, until
// ctx ends or the connection is lost. PostgreSQL only.
func (db *DB) Listen(ctx context.Context, channel string, heard func()) error {
	if db.pgx == nil {
		return ErrListen
	}
	connection, err := pgx.ConnectConfig(ctx, db.pgx)
	if err != nil {
		return inALine(err)
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	if _, err := connection.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for {
		heard()
		if _, err := connection.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
