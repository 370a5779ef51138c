package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"autoconfig/internal/database"
	"autoconfig/internal/migrate"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

type importConfigCmd struct {
	importFlags
	resolverFlag
	From         string         `arg:"" help:"The file, or an https URL."`
	Domain       string         `required:"" help:"The domain to add."`
	Replace      bool           `help:"Change the servers of a domain that is there."`
	AllowNetwork []netip.Prefix `help:"Network that may be contacted besides public addresses." placeholder:"PREFIX"`
}

func (i *importConfigCmd) Help() string {
	return `Reads what a domain publishes for Thunderbird, and adds the domain with these servers,
best first. What a site can't express is printed: other protocols, servers without
TLS, unknown placeholders.

Examples:
  autoconfig import config config-v1.1.xml --domain example.org
  autoconfig import config https://autoconfig.example.org/mail/config-v1.1.xml --domain example.org --dry-run`
}

func (i *importConfigCmd) Run(c *call) error { return i.ended(c, i.run(c)) }

func (i *importConfigCmd) run(c *call) error {
	name, err := settings.ParseDomain(i.Domain)
	if err != nil {
		return fmt.Errorf("%q is not a domain name", i.Domain)
	}
	text, from, err := i.read(c)
	if err != nil {
		return err
	}
	published, err := thunderbird.Parse(text)
	if err != nil {
		return refusal{fmt.Errorf("%s: %w", from, err)}
	}
	change, skipped := migrate.PublishedChange(published, name, i.Replace)
	known := bySite{notes: notes(skipped), warnings: migrate.AsThunderbirdReads(text, name)}
	return i.changeSite(c, from, change, known)
}

func notes(skipped []migrate.Skipped) []string {
	list := make([]string, len(skipped))
	for i, s := range skipped {
		list[i] = s.String()
	}
	return list
}

// read gives the document, and its name as it may be shown: a URL without its password.
func (i *importConfigCmd) read(c *call) (text []byte, from string, err error) {
	if !strings.Contains(i.From, "://") {
		file, err := os.Open(i.From)
		if err != nil {
			return nil, "", err
		}
		defer func() { _ = file.Close() }()
		text, err = io.ReadAll(io.LimitReader(file, thunderbird.MaxConfig+1)) // Parse refuses what is larger
		return text, i.From, err
	}
	u, err := url.Parse(i.From)
	if err != nil || u.Host == "" {
		return nil, "", errors.New("this isn't a URL; write https://HOST/PATH")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := err == nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		return nil, "", fmt.Errorf("%s is not an https URL: anybody on the network could change its answer", u.Redacted())
	}
	process, err := readProcess(c.configFile)
	if err != nil {
		return nil, "", err
	}
	prober, err := newProber(process, i.resolverFlag, false, i.AllowNetwork)
	if err != nil {
		return nil, "", err
	}
	text, err = prober.Document(c, i.From)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	return text, u.Redacted(), nil
}

type importAutomx2Cmd struct {
	importFlags
	Database string `arg:"" help:"automx2's database: sqlite:FILE, postgres://... or mysql://...; - to read that from standard input."`
	Replace  bool   `help:"Change providers, plans and domains of the same names that differ."`
}

func (i *importAutomx2Cmd) Help() string {
	return `Reads automx2's database, without changing it, and adds its providers, its domains, and
a plan for each set of servers. A domain that is there already gets that plan with
--replace; its other settings stay. What has no equivalent is printed, with what to do:
docs/migrating.md explains how its answers and ours differ.

The URL of automx2's own configuration (db_uri) is understood as well. A password in
it can be seen by others on this machine unless it comes from standard input.

Examples:
  autoconfig import automx2 sqlite:/var/lib/automx2/db.sqlite --dry-run
  autoconfig import automx2 - < automx2-database-url.txt`
}

func (i *importAutomx2Cmd) Run(c *call) error { return i.ended(c, i.run(c)) }

func (i *importAutomx2Cmd) run(c *call) error {
	text := i.Database
	if text == "-" {
		var line string
		err := c.patiently(func() (err error) {
			line, err = bufio.NewReader(io.LimitReader(c.std.in, 4096)).ReadString('\n')
			return err
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		text = strings.TrimSpace(line)
	}
	address, err := database.Parse(fromSQLAlchemy(text))
	if err != nil {
		return err
	}
	db, err := database.Open(address, database.Options{ReadOnly: true, Connections: 1})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	foreign, err := migrate.FromAutomx2(c, db)
	if errors.Is(err, migrate.ErrNotAutomx2) {
		return refusal{fmt.Errorf("%s: %w", address, err)}
	} else if err != nil {
		return fmt.Errorf("read %s: %w", address, err)
	}
	return i.changeSite(c, "automx2", foreign.Change(i.Replace), bySite{notes: notes(foreign.Skipped)})
}

// fromSQLAlchemy takes a URL as automx2's own configuration has it: with a driver
// behind the kind, three slashes before a file, and parameters for Python.
func fromSQLAlchemy(text string) string {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		return text
	}
	scheme, _, _ = strings.Cut(scheme, "+")
	if scheme == "sqlite" {
		file, _, _ := strings.Cut(rest, "?")
		return "sqlite:" + strings.TrimPrefix(file, "/")
	}
	if before, query, has := strings.Cut(rest, "?"); has {
		kept := []string{}
		for _, parameter := range strings.Split(query, "&") {
			if file, is := strings.CutPrefix(parameter, "unix_socket="); is {
				parameter = "socket=" + file
			}
			if !strings.HasPrefix(parameter, "charset=") {
				kept = append(kept, parameter)
			}
		}
		rest = strings.TrimSuffix(before+"?"+strings.Join(kept, "&"), "?")
	}
	return scheme + "://" + rest
}
