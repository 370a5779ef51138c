package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/operator"
	"autoconfig/internal/post"
	"autoconfig/internal/store"
	"autoconfig/internal/web"
	"autoconfig/settings"
	"autoconfig/templates"
)

// mailServer is the operator's mail server, as configured.
type mailServer struct {
	post.Server
	giveUp time.Duration
}

// mailServer reads the files that it needs; nil where none is configured.
func (s configuration) mailServer() (*mailServer, error) {
	if !s.SMTP.IsGiven() {
		return nil, nil
	}
	m := &mailServer{giveUp: s.SMTP.GiveUp, Server: post.Server{
		Host: s.SMTP.Host, Port: s.SMTP.EffectivePort(), Security: post.Security(s.SMTP.Security),
		From: mailAddress(s.SMTP.From), Username: s.SMTP.Username,
	}}
	if s.SMTP.Username != "" {
		m.Password = func() (string, error) { return config.ReadFirstLine(s.path(s.SMTP.Password)) }
		if _, err := m.Password(); err != nil {
			return nil, fmt.Errorf("smtp.password_file: %w", err)
		}
	}
	if s.SMTP.CA == "" {
		return m, nil
	}
	text, err := os.ReadFile(s.path(s.SMTP.CA))
	if err != nil {
		return nil, fmt.Errorf("smtp.ca: %w", err)
	}
	m.Roots = x509.NewCertPool()
	if !m.Roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("smtp.ca: there is no certificate in %s", s.SMTP.CA)
	}
	return m, nil
}

func mailAddress(m config.MailAddress) settings.Address {
	a, _ := settings.ParseAddress(string(m)) // it was read as one
	return a
}

// outbox takes messages; nil where no mail server is configured.
func (s configuration) outbox(db *store.Store, secret []byte, mails *templates.Mails) *post.Outbox {
	if !s.SMTP.IsGiven() {
		return nil
	}
	return &post.Outbox{
		Store: db, Mails: mails, Secret: secret, From: mailAddress(s.SMTP.From), ReplyTo: mailAddress(s.SMTP.ReplyTo),
		Limits: post.Limits{
			PerPerson: s.SMTP.PerPerson, PerToken: s.SMTP.PerToken, PerRecipient: s.SMTP.PerRecipient,
		},
	}
}

// sender hands over what waits.
func (m *mailServer) sender(db *store.Store, secret []byte, logger *slog.Logger) *post.Sender {
	return &post.Sender{
		Store: db, Server: m.Server, Secret: secret, Holder: holder(), GiveUp: m.giveUp, Logger: logger,
	}
}

// countMessages counts what comes of messages, by our own words only.
func countMessages(front *web.Front) func(kind post.Kind, outcome string) {
	tries := front.Counter("autoconfig_messages_total",
		"Messages that were to be sent by mail, by kind and by what came of a try: sent, later (it is tried again), refused, "+
			"given_up, unclear.", "kind", "outcome")
	return func(kind post.Kind, outcome string) { tries.WithLabelValues(string(kind), outcome).Inc() }
}

// messagesLate is how long a message may wait before somebody should look.
const messagesLate = 15 * time.Minute

// lookAtMessages finds out whether messages wait for too long.
func (v *running) lookAtMessages(ctx context.Context, g *generation, seen *operator.Seen) {
	all, err := v.store.MessageSummary(ctx)
	if err != nil || all.Queued == 0 {
		return
	}
	seen.Messages = all.Queued
	wait := time.Since(all.Oldest)
	switch {
	case g.sender == nil:
		seen.Add(operator.Problem{
			Code: operator.MessagesWait, Severity: operator.Warning, Where: "smtp",
			What:   fmt.Sprintf("%d messages wait, and no mail server is configured", all.Queued),
			Remedy: "configure smtp, and restart or send SIGHUP",
		})
	case wait > messagesLate:
		seen.Add(operator.Problem{
			Code: operator.MessagesWait, Severity: operator.Warning, Where: "smtp",
			What: fmt.Sprintf("%d messages wait for the mail server, the oldest for %s", all.Queued,
				wait.Round(time.Minute)),
			Remedy: "see why: autoconfig message list --state queued",
		})
	}
}
