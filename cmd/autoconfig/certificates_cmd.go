package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/certificates"
	"autoconfig/internal/config"
	"autoconfig/internal/doctor"
)

type certificatesCmd struct {
	List   certificatesListCmd   `cmd:"" help:"List the names that have a certificate or want one."`
	Show   certificatesShowCmd   `cmd:"" help:"Show a name's certificate, and what keeps it from having one."`
	Order  certificatesOrderCmd  `cmd:"" help:"Have a certificate ordered now, by the running service."`
	Revoke certificatesRevokeCmd `cmd:"" help:"Revoke a certificate, and have another one ordered."`
}

// certificateRow is what is printed of a name.
type certificateRow struct {
	Name     string            `json:"name"`
	Domain   string            `json:"domain,omitempty"`
	State    string            `json:"state"` // valid, expired, wanted or failing
	NotAfter *time.Time        `json:"not_after,omitempty"`
	RenewAt  *time.Time        `json:"renew_at,omitempty"`
	NextTry  *time.Time        `json:"next_try,omitempty"`
	Failures int               `json:"failures"`
	Code     certificates.Code `json:"code,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Remedy   string            `json:"remedy,omitempty"`
}

func rowOf(c certificates.Certificate, now time.Time) certificateRow {
	r := certificateRow{
		Name: c.Name, Domain: c.Domain, State: "wanted", Failures: c.Failures, Code: c.Code,
		Reason: c.Reason,
	}
	if c.HasOne() {
		r.State, r.NotAfter, r.RenewAt = "valid", &c.NotAfter, &c.RenewAt
		if now.After(c.NotAfter) {
			r.State = "expired"
		}
	}
	if c.Failures > 0 {
		r.NextTry, r.Remedy = &c.DueAt, remedyOf(c.Code)
		if !c.HasOne() {
			r.State = "failing"
		}
	}
	return r
}

// remedyOf is what the catalogue of checks says of a failure.
func remedyOf(code certificates.Code) string {
	m, found := doctor.MeaningOf(doctor.Code(code))
	if !found { // a newer replica's
		m, _ = doctor.MeaningOf(doctor.CertInternal)
	}
	return m.Remedy
}

type certificatesListCmd struct {
	jsonFlag
	Domain  string `help:"Only of this domain."`
	Failing bool   `help:"Only those whose last try has failed."`
}

func (l *certificatesListCmd) Help() string {
	return `Examples:
  autoconfig certificates list
  autoconfig certificates list --failing --json`
}

func (l *certificatesListCmd) Run(c *call, app *application) error {
	var domains []string
	if l.Domain != "" {
		domains = []string{strings.ToLower(l.Domain)}
	}
	rows := l.rows(app.store.AllCertificates(c, domains))
	if l.JSON {
		return c.jsonList(rows)
	}
	var all []certificateRow
	for row, err := range rows {
		if err != nil {
			return err
		}
		all = append(all, row.(certificateRow))
	}
	return printList(c, false, []string{"NAME", "STATE", "UNTIL", "LAST FAILURE"}, all, func(r certificateRow) []string {
		until := ""
		if r.NotAfter != nil {
			until = r.NotAfter.Format("2006-01-02")
		}
		return []string{r.Name, r.State, until, strings.TrimSpace(string(r.Code) + " " + r.Reason)}
	})
}

// rows are those that are asked for.
func (l *certificatesListCmd) rows(all iter.Seq2[certificates.Certificate, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for row, err := range all {
			if err != nil {
				yield(nil, err)
				return
			}
			if (!l.Failing || row.Failures > 0) && !yield(rowOf(row, time.Now()), nil) {
				return
			}
		}
	}
}

type certificatesShowCmd struct {
	jsonFlag
	Name string `arg:"" help:"Such as autoconfig.example.com."`
}

func (s *certificatesShowCmd) Help() string {
	return `Examples:
  autoconfig certificates show autoconfig.example.com`
}

func (s *certificatesShowCmd) Run(c *call, app *application) error {
	found, err := app.store.Certificate(c, strings.ToLower(s.Name))
	if errors.Is(err, certificates.ErrNone) {
		return refusal{fmt.Errorf("%s has no certificate, and wants none: "+
			"a running service with tls: {mode: acme} adds the names of served domains", s.Name)}
	} else if err != nil {
		return err
	}
	r := rowOf(found, time.Now())
	if s.JSON {
		return c.json(r)
	}
	rows := [][]string{{"Name", r.Name}, {"Domain", r.Domain}, {"State", r.State}}
	if r.NotAfter != nil {
		rows = append(rows, []string{"Valid until", r.NotAfter.Format("2006-01-02 15:04 UTC")}, []string{
			"Renewed from",
			r.RenewAt.Format("2006-01-02 15:04 UTC"),
		})
	}
	if r.Failures > 0 {
		rows = append(rows, []string{"Failures", fmt.Sprint(r.Failures)}, []string{
			"Last failure",
			string(r.Code) + ": " + r.Reason,
		},
			[]string{"Remedy", r.Remedy}, []string{"Next try", r.NextTry.Format("2006-01-02 15:04 UTC")})
	}
	return c.table(rows)
}

type certificatesOrderCmd struct {
	Name string `arg:"" help:"Such as autoconfig.example.com."`
}

func (o *certificatesOrderCmd) Help() string {
	return `Use it when what kept a name from its certificate is mended, or to replace one.
The running service orders it within seconds.

Examples:
  autoconfig certificates order autoconfig.example.com`
}

func (o *certificatesOrderCmd) Run(c *call, app *application) error {
	name := strings.ToLower(o.Name)
	if err := app.admin().OrderCertificate(c, admin.CommandLine(), name); err != nil {
		return said(err)
	}
	c.printf("A certificate for %s is ordered by the running service; see: autoconfig certificates show %s\n", name, name)
	return nil
}

type certificatesRevokeCmd struct {
	Name        string `arg:"" help:"Such as autoconfig.example.com."`
	Compromised bool   `help:"The key may be in others' hands."`
}

func (r *certificatesRevokeCmd) Help() string {
	return `The authority is told that the certificate is not to be trusted any more, and the
running service orders another one, with a new key.

Examples:
  autoconfig certificates revoke autoconfig.example.com --compromised`
}

func (r *certificatesRevokeCmd) Run(c *call, app *application) error {
	if app.process.TLS.Effective() != config.TLSACME {
		return refusal{errors.New("this service gets no certificates: its configuration has no tls: {mode: acme}")}
	}
	secret, err := app.process.secret()
	if err != nil {
		return err
	}
	keeper, err := newKeeper(keeperBasis{app.store, secret, nil, nil}, app.process, app.directory)
	if err != nil {
		return err
	}
	name := strings.ToLower(r.Name)
	err = app.admin().RevokeCertificate(c, admin.CommandLine(), name, func(ctx context.Context) error {
		return keeper.Revoke(ctx, name, r.Compromised)
	})
	if errors.Is(err, certificates.ErrNone) {
		return refusal{fmt.Errorf("%s has no certificate", name)}
	} else if err != nil {
		return said(err)
	}
	c.printf("The certificate of %s is revoked, and another one is ordered by the running service.\n", name)
	return nil
}
