package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// DefaultConnections bounds the connections of one pool.
const DefaultConnections = 8

// connectTimeout bounds how long one connection is tried for.
const connectTimeout = 5 * time.Second

// Options are how a database is opened. Zero values are good.
type Options struct {
	// Folder is where a relative SQLite file is.
	Folder string
	// Connections bounds the pool; [DefaultConnections] if 0.
	Connections int
	// ReadOnly refuses every change, and doesn't make a missing SQLite file.
	ReadOnly bool
}

// DB is a pool of connections. Its statements are written with question marks.
type DB struct {
	Kind Kind
	pool *sql.DB
	pgx  *pgx.ConnConfig // for Listen
}

// Open prepares a pool. It doesn't connect: a server that is down now may be up
// later.
func Open(a Address, o Options) (*DB, error) {
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	db := &DB{Kind: a.Kind}
	var err error
	switch a.Kind {
	case SQLite:
		db.pool, err = openSQLite(a.File, o)
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
		db.pool.SetMaxOpenConns(1) // each connection would have a memory of its own
		db.pool.SetConnMaxIdleTime(0)
		return db, nil
	}
	db.pool.SetMaxOpenConns(o.Connections)
	if a.Kind != SQLite {
		db.pool.SetMaxIdleConns(o.Connections)
		db.pool.SetConnMaxIdleTime(5 * time.Minute)
		db.pool.SetConnMaxLifetime(time.Hour)
	}
	return db, nil
}

// Close closes the pool.
func (db *DB) Close() error { return db.pool.Close() }

func openSQLite(file string, o Options) (*sql.DB, error) {
	if file == ":memory:" {
		return sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)&_txlock=immediate")
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(o.Folder, file)
	}
	path := "file:" + (&url.URL{Path: file}).EscapedPath() + "?"
	if o.ReadOnly {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return sql.Open("sqlite", path+url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}}.Encode())
	}
	// What we know of people is nobody else's business on this machine.
	created, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := created.Close(); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", path+url.Values{
		// busy_timeout comes first: switching to WAL may itself have to wait.
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}.Encode())
}

// openPostgreSQL verifies the server's certificate unless sslmode says otherwise
// or nothing leaves this machine: libpq's own default takes any.
func openPostgreSQL(u *url.URL, o Options) (*sql.DB, *pgx.ConnConfig, error) {
	query := u.Query()
	if query.Get("sslmode") == "" {
		query.Set("sslmode", "prefer")
		if leavesMachine(u) {
			query.Set("sslmode", "verify-full")
		}
	}
	full := *u
	full.RawQuery = query.Encode()
	config, err := pgx.ParseConfig(full.String())
	if err != nil {
		// pgx repeats what it was given, and masks the password.
		return nil, nil, fmt.Errorf("%w: %q: %w", ErrURL, u.Redacted(), err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if o.ReadOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	return stdlib.OpenDB(*config), config, nil
}

// openMySQL encrypts and verifies unless tls=false says otherwise or nothing
// leaves this machine. Its URL may have the parameters tls (true or false), ca (a
// file) and socket.
func openMySQL(u *url.URL, o Options) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.DBName = u.User.Username(), strings.Trim(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	c.Net, c.Addr = "tcp", u.Host
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	c.Timeout = connectTimeout
	c.Collation = "utf8mb4_general_ci" // of the connection: both MySQL and MariaDB have it
	c.ClientFoundRows = true           // rows that an UPDATE met, changed or not, as the others count
	c.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"}
	if o.ReadOnly {
		c.Params["transaction_read_only"] = "1"
	}
	encrypt := leavesMachine(u)
	ca := ""
	for key, values := range u.Query() {
		value := values[0]
		switch {
		case key == "socket":
			c.Net, c.Addr = "unix", value
		case key == "tls" && (value == "true" || value == "false"):
			encrypt = value == "true"
		case key == "ca":
			ca = value
		default:
			return nil, fmt.Errorf("%w: %q: the parameter %s=%s is not one of tls=true, tls=false, ca=FILE and socket=FILE", ErrURL, u.Redacted(), key, value)
		}
	}
	if encrypt {
		c.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		if ca != "" {
			text, err := os.ReadFile(filepath.Join(folderOf(ca, o.Folder), filepath.Base(ca)))
			if err != nil {
				return nil, fmt.Errorf("read the database's certificate authority: %w", err)
			}
			c.TLS.RootCAs = x509.NewCertPool()
			if !c.TLS.RootCAs.AppendCertsFromPEM(text) {
				return nil, fmt.Errorf("%w: there is no certificate in PEM in %s", ErrURL, ca)
			}
		}
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrURL, u.Redacted(), err)
	}
	return sql.OpenDB(connector), nil
}

func folderOf(file, folder string) string {
	if filepath.IsAbs(file) {
		return filepath.Dir(file)
	}
	return filepath.Join(folder, filepath.Dir(file))
}

// Ping connects, and tells whether that works.
func (db *DB) Ping(ctx context.Context) error { return db.pool.PingContext(ctx) }

// ErrListen means that this kind of database doesn't tell of changes.
var ErrListen = errors.New("only PostgreSQL tells of changes")

// Listen calls heard when it listens and then for each notification on a channel,
// until ctx ends or the connection is lost. PostgreSQL only.
func (db *DB) Listen(ctx context.Context, channel string, heard func()) error {
	if db.pgx == nil {
		return ErrListen
	}
	connection, err := pgx.ConnectConfig(ctx, db.pgx)
	if err != nil {
		return err
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
