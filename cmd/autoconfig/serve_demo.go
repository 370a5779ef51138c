package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"time"

	"autoconfig/clients"
	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/doctor"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

// What the demo's help desk is entered by. It is in memory and on loopback.
const (
	demoName     = "demo"
	demoPassword = "demo-password"
	demoToken    = "autoconfig_demo" //nolint:gosec // printed for everybody to try
)

// openDemo is the demo site with the defaults.
func openDemo(c *call) (*application, error) {
	db, err := demoStore(c)
	if err != nil {
		return nil, err
	}
	return &application{demoConfiguration(), db, nil, newDirectory(db, nil, 0, slog.New(slog.DiscardHandler))}, nil
}

func demoConfiguration() configuration { return configuration{Process: config.Defaults(), folder: "."} }

// demoStore fills a database in memory with the demo site.
func demoStore(c *call) (*store.Store, error) {
	site, _, err := config.ReadSite("demo.yaml", config.Demo)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(c, database.Address{Kind: database.SQLite, File: ":memory:"}, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Replace(c, site); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// serveDemo serves the demo site from memory, and prints what to try.
func (s *serveCmd) serveDemo(c *call, hangups <-chan os.Signal) error {
	process := demoConfiguration()
	s.override(&process)
	v := newRunning(c, *s, process.Log)
	defer v.close()
	if err := v.startDemo(process); err != nil {
		return err
	}
	return v.run(c, hangups)
}

// startDemo is start without files.
func (v *running) startDemo(process configuration) (err error) {
	if err := v.listen(v.call, process).err(); err != nil {
		return err
	}
	process.PublicURL.Host = v.listeners.Public.Addr().String()
	process.Check.Every = 0 // the demo's domain is somebody else's
	if v.store, err = demoStore(v.call); err != nil {
		return err
	}
	v.secret = make([]byte, 32)
	_, _ = rand.Read(v.secret) // never fails
	if v.desk, err = staff.NewDesk(v.store, v.secret, true); err != nil {
		return err
	}
	v.generation = &generation{}
	if err := v.generation.connect(v, process, nil).err(); err != nil {
		return err
	}
	if err := v.generation.equip(v).err(); err != nil {
		return err
	}
	app := v.generation.app
	if _, err := reconcile(v.call, app, doctor.Publisher{Documents: v.store}, upToDate{-1, -1}, false); err != nil {
		return err
	}
	printDemo(v.call, v.listeners.Public.Addr().String(), v.listeners.Private.Addr().String())
	return fillDesk(v.call, app, v.desk)
}

// fillDesk gives the demo somebody who can sign in, and a token.
func fillDesk(ctx context.Context, app *application, desk *staff.Desk) error {
	everywhere := []string{staff.Everywhere}
	if _, err := desk.AddWithPassword(ctx, admin.CommandLine(), demoName, staff.Admin, everywhere, demoPassword); err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(demoToken))
	return app.store.PutToken(ctx, hash[:], staff.Token{
		ID: "demo", Name: "demo", Scopes: staff.Scopes, Domains: []string{staff.Everywhere},
		MadeBy: "demo", MadeAt: time.Now(), ExpiresAt: time.Now().AddDate(0, 0, 1),
	})
}

func printDemo(c *call, public, private string) {
	c.printf(`autoconfig serves the demo site: example.com, also known as example.net.

  office@example.com    IMAP: it is read on several devices
  workshop@example.com  POP3, mail stays on the server for 9 days: a small mailbox on one device
  kiosk@example.com     POP3, mail stays on the server for 14 days: its group has a rule
  anybody else          IMAP: the default

Try, in another terminal:

  # Thunderbird
  curl 'http://%[1]s/mail/config-v1.1.xml?emailaddress=workshop%%40example.com'

  # a program that doesn't say for whom it asks (%[7]s)
  curl -H 'Host: autoconfig.example.com' 'http://%[1]s/mail/config-v1.1.xml'

  # Evolution, which sends a digest instead of the address
  curl 'http://%[1]s/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%%40example.com&emailmd5=%[3]s'

  # Outlook
  curl -H 'Content-Type: text/xml' -d '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>office@example.com</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>' 'http://%[1]s/autodiscover/autodiscover.xml'
  curl 'http://%[1]s/autodiscover/autodiscover.json?Email=office%%40example.com&Protocol=AutodiscoverV1'

  # iPhone, iPad, Mac
  curl 'http://%[1]s/email.mobileconfig?emailaddress=kiosk%%40example.com'

  # a program that knows PACC
  curl -H 'Host: ua-auto-config.example.com' 'http://%[1]s/.well-known/user-agent-configuration.json'

  # the person: type workshop@example.com
  open http://%[1]s/ in a browser

  # the help desk: sign in as %[4]s with the password %[5]s
  open http://%[2]s/helpdesk/ in a browser

  # a ticket system
  curl -H 'Authorization: Bearer %[6]s' -d '{"address": "workshop@example.com"}' 'http://%[2]s/api/v1/links'

  # the operator
  curl 'http://%[2]s/readyz'
  curl 'http://%[2]s/metrics'
  go run ./cmd/autoconfig explain workshop@example.com --demo
  go run ./cmd/autoconfig dns example.com --demo

Stop it with Ctrl-C.

`, public, private, demoDigest, demoName, demoPassword, demoToken, clients.Names(clients.SendsNoAddress))
}

// demoDigest is the MD5 of workshop@example.com.
const demoDigest = "8f2d994dc0ea42967605fdf7336100fa"
