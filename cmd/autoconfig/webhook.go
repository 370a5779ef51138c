package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/links"
	"autoconfig/internal/operator"
	"autoconfig/internal/store"
	"autoconfig/internal/web"
	"autoconfig/internal/webhook"
)

// endpoint reads a webhook's secret; nil if there is no webhook.
func (s configuration) endpoint(key string, hook config.Webhook) (*webhook.Endpoint, error) {
	if hook.URL == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.path(hook.SecretFile))
	if err != nil {
		return nil, fmt.Errorf("%s.secret_file: %w", key, err)
	}
	secret, err := webhook.ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s.secret_file: %s: %w", key, hook.SecretFile, err)
	}
	return &webhook.Endpoint{URL: string(hook.URL), Key: secret}, nil
}

// tellsLinks reports whether a program is told what happens to links.
func (s configuration) tellsLinks() bool { return s.Links.Webhook.URL != "" }

// teller tells the program.
func teller(endpoint webhook.Endpoint, db *store.Store, front *web.Front, logger *slog.Logger) *webhook.Sender {
	tries := front.Counter("autoconfig_link_notices_total",
		"Notices about setup links that were to be sent to links.webhook, by kind and by what came of a try: sent, later "+
			"(it is tried again), given_up.", "kind", "outcome")
	return &webhook.Sender{
		Store: db, Endpoint: endpoint, Holder: holder(), Logger: logger,
		Count: func(kind links.Kind, outcome string) { tries.WithLabelValues(string(kind), outcome).Inc() },
	}
}

// lookAtNotices finds out whether notices about links wait for too long.
func (v *running) lookAtNotices(ctx context.Context, g *generation, seen *operator.Seen) {
	if g.teller == nil {
		return
	}
	all, err := v.store.NoticeSummary(ctx, time.Now())
	if err != nil {
		return
	}
	seen.Notices = all.Waiting
	if wait := time.Since(all.Oldest); all.Waiting > 0 && wait > messagesLate {
		seen.Add(operator.Problem{
			Code: operator.WebhookWaits, Severity: operator.Warning, Where: "links.webhook",
			What: fmt.Sprintf("%d notices about links wait for the webhook, the oldest for %s: %s", all.Waiting,
				wait.Round(time.Minute), all.Reason),
			Remedy: "see that the receiver answers with 2xx, and that url and secret_file are right",
		})
	}
}
