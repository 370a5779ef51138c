package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/internal/post"
)

type messageCmd struct {
	List messageListCmd `cmd:"" help:"List messages, latest first."`
	Show messageShowCmd `cmd:"" help:"Show a message and what came of it."`
}

type messageListCmd struct {
	jsonFlag
	aboutFlags
	State string `help:"Only in this state: queued, sent, refused, given_up or unclear." enum:",queued,sent,refused,given_up,unclear" default:"" placeholder:"STATE"`
}

func (l *messageListCmd) Help() string {
	return `What is sent, the operator's mail server has; what it does with it, its own log
shows. A message is unclear if all of it was sent and no answer came: it isn't
sent again, so that nobody gets it twice.

Examples:
  autoconfig message list --state refused
  autoconfig message list --address office@example.com --json`
}

func (l *messageListCmd) Run(c *call, app *application) error {
	filter := post.Filter{State: post.State(l.State)}
	var err error
	if filter.Domains, filter.Address, filter.Limit, err = l.filter(c, app); err != nil {
		return err
	}
	list, err := app.store.Messages(c, filter)
	if err != nil {
		return err
	}
	header := []string{"ID", "KIND", "ABOUT", "TO", "STATE", "TRIES", "MADE", "REASON"}
	return printList(c, l.JSON, header, list, func(m post.Message) []string {
		return []string{m.ID, string(m.Kind), m.Address, m.To, stateText(m.State), fmt.Sprint(m.Tries), utc(m.MadeAt), m.Reason}
	})
}

type messageShowCmd struct {
	jsonFlag
	ID string `arg:"" help:"The message's ID, as list shows it."`
}

func (l *messageShowCmd) Help() string {
	return `Example:
  autoconfig message show 06gf3k0bpv2vt9hjo5b0d8ms`
}

func (l *messageShowCmd) Run(c *call, app *application) error {
	m, err := app.store.Message(c, l.ID)
	if errors.Is(err, post.ErrUnknown) {
		return refusal{fmt.Errorf("there is no message %q; see: autoconfig message list", l.ID)}
	} else if err != nil {
		return err
	}
	if l.JSON {
		return c.json(m)
	}
	rows := [][]string{
		{"kind", string(m.Kind)},
		{"about", m.Address},
		{"to", m.To},
		{"state", stateText(m.State)},
		{"made", utc(m.MadeAt) + ", " + m.MadeBy},
		{"tries", fmt.Sprint(m.Tries)},
	}
	for _, row := range [][]string{{"next try", utc(m.DueAt)}, {"ended", utc(m.DoneAt)}, {"reason", m.Reason}, {"link", m.Link}} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	return c.table(rows)
}

func stateText(s post.State) string { return strings.ReplaceAll(string(s), "_", " ") }

// utc is a time as tables show it; "" for none.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
