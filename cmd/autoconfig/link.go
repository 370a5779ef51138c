package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/settings"
)

type linkCmd struct {
	Create linkCreateCmd `cmd:"" help:"Make a link that sets up a person's device."`
	List   linkListCmd   `cmd:"" help:"List links, latest first."`
	Show   linkShowCmd   `cmd:"" help:"Show a link and what happened to it."`
	Send   linkSendCmd   `cmd:"" help:"Send a link by mail that was made before."`
	Revoke linkRevokeCmd `cmd:"" help:"Revoke a link."`
}

type linkCreateCmd struct {
	jsonFlag
	Address  string `arg:"" help:"Whose device is set up."`
	Valid    span   `help:"How long it is valid, 1m to 30d; the configuration's by default." placeholder:"24h"`
	Uses     int    `help:"How often it can be used; the configuration's by default."`
	Language string `help:"Language of its page, such as de."`
	Note     string `help:"A note for the help desk, such as a ticket's number."`
	sendingFlags
}

func (l *linkCreateCmd) Help() string {
	return `The link is shown only now. Looking at it uses nothing up; the button on its page does.

Examples:
  autoconfig link create workshop@example.com
  autoconfig link create office@example.com --valid 3d --uses 2 --language de --note "ticket 7"
  autoconfig link create office@example.com --to eva@home.example`
}

// createdLink is what is printed of a new link.
type createdLink struct {
	links.Link
	URL     string        `json:"url"`
	Message *post.Message `json:"message,omitempty"`
}

func (l *linkCreateCmd) mail(c *call, acts *admin.Admin, order links.Order) (admin.MadeLink, *post.Message, error) {
	sending, err := l.sending()
	if err != nil {
		return admin.MadeLink{}, nil, err
	}
	link, sent, err := acts.MailLink(c, admin.CommandLine(), order, sending)
	return link, &sent, err
}

func (l *linkCreateCmd) Run(c *call, app *application) error {
	typed, err := settings.ParseAddress(l.Address)
	if err != nil {
		return err
	}
	acts, err := app.mailAdmin()
	if err != nil {
		return err
	}
	order := links.Order{Address: typed, Valid: time.Duration(l.Valid), Uses: l.Uses, Language: l.Language, Note: l.Note}
	var link admin.MadeLink
	var sent *post.Message
	if l.To == "" {
		link, err = acts.MakeLink(c, admin.CommandLine(), order)
	} else {
		link, sent, err = l.mail(c, acts, order)
	}
	if err != nil {
		return said(err)
	}
	made := createdLink{link.Link, link.URL, sent}
	if l.JSON {
		return c.json(made)
	}
	c.printf("%s\n", made.URL)
	fmt.Fprintf(c.std.err, "It works until %s, %d time(s); its identity is %s.\n", link.ExpiresAt.Format("2006-01-02 15:04 UTC"), link.Uses, link.ID)
	if sent != nil {
		fmt.Fprintf(c.std.err, "The message to %s waits to be sent; see: autoconfig message show %s\n", sent.To, sent.ID)
	}
	return nil
}

type linkListCmd struct {
	jsonFlag
	aboutFlags
}

func (l *linkListCmd) Help() string {
	return `Examples:
  autoconfig link list
  autoconfig link list --address workshop@example.com --json`
}

func (l *linkListCmd) Run(c *call, app *application) error {
	var filter links.Filter
	var err error
	if filter.Domains, filter.Address, filter.Limit, err = l.filter(c, app); err != nil {
		return err
	}
	list, err := app.store.Links(c, filter)
	if err != nil {
		return err
	}
	header := []string{"ID", "ADDRESS", "STATE", "USED", "VALID UNTIL", "MADE BY"}
	return printList(c, l.JSON, header, list, func(link links.Link) []string {
		return []string{link.ID, link.Address, string(link.State(time.Now())), fmt.Sprintf("%d of %d", link.Used, link.Uses), link.ExpiresAt.Format("2006-01-02 15:04 UTC"), link.MadeBy}
	})
}

type linkShowCmd struct {
	jsonFlag
	ID string `arg:"" help:"The link's ID, as list shows it."`
}

func (l *linkShowCmd) Help() string {
	return `Example:
  autoconfig link show 06gf3k0bpv2vt9hjo5b0d8ms`
}

func (l *linkShowCmd) Run(c *call, app *application) error {
	acts, err := app.linkAdmin()
	if err != nil {
		return err
	}
	link, err := acts.Link(c, admin.CommandLine(), l.ID)
	if err != nil {
		return noLink(l.ID, err)
	}
	events, err := app.store.LinkEvents(c, link.ID)
	if err != nil {
		return err
	}
	if l.JSON {
		return c.json(struct {
			links.Link
			State  links.State   `json:"state"`
			Events []links.Event `json:"events"`
		}{link, link.State(time.Now()), append([]links.Event{}, events...)})
	}
	rows := [][]string{
		{"address", link.Address},
		{"state", string(link.State(time.Now()))},
		{"used", fmt.Sprintf("%d of %d", link.Used, link.Uses)},
		{"made", link.MadeAt.Format("2006-01-02 15:04 UTC") + ", " + link.MadeBy},
		{"valid until", link.ExpiresAt.Format("2006-01-02 15:04 UTC")},
		{"note", link.Note},
	}
	for _, e := range events {
		rows = append(rows, []string{string(e.Kind), fmt.Sprintf("%s, %s, %d time(s)", e.First.Format("2006-01-02 15:04 UTC"), e.Device, e.Count)})
	}
	return c.table(rows)
}

// noLink says that a link isn't there, if that is the error.
func noLink(id string, err error) error {
	if errors.Is(err, links.ErrUnknown) {
		return refusal{fmt.Errorf("there is no link %q; see: autoconfig link list", id)}
	}
	return err
}

type linkSendCmd struct {
	jsonFlag
	sendingFlags
	URL string `arg:"" help:"The link, as it was printed when it was made."`
}

func (l *linkSendCmd) Help() string {
	return `The running service sends it.

Example:
  autoconfig link send https://setup.example.com/s/06gf3k0bpv2vt9hjo5b0d8ms1k --to eva@home.example`
}

func (l *linkSendCmd) Run(c *call, app *application) error {
	sending, err := l.sending()
	if err != nil {
		return err
	}
	acts, err := app.mailAdmin()
	if err != nil {
		return err
	}
	_, token, _ := strings.Cut(l.URL, "/s/")
	m, err := acts.SendLink(c, admin.CommandLine(), token, sending)
	switch {
	case errors.Is(err, links.ErrUnknown):
		return refusal{errors.New("there is no such link: copy it whole, as it was printed when it was made")}
	case errors.Is(err, links.ErrSpent):
		return refusal{errors.New("the link was used, has expired or was revoked; make another one: autoconfig link create")}
	case err != nil:
		return said(err)
	}
	if l.JSON {
		return c.json(m)
	}
	c.printf("The message to %s waits to be sent; see: autoconfig message show %s\n", m.To, m.ID)
	return nil
}

type linkRevokeCmd struct {
	ID string `arg:"" help:"The link's ID, as list shows it."`
}

func (l *linkRevokeCmd) Help() string {
	return `Whoever has its page open can't fetch anything more.

Example:
  autoconfig link revoke 06gf3k0bpv2vt9hjo5b0d8ms`
}

func (l *linkRevokeCmd) Run(c *call, app *application) error {
	acts, err := app.linkAdmin()
	if err != nil {
		return err
	}
	_, err = acts.RevokeLink(c, admin.CommandLine(), l.ID)
	return noLink(l.ID, err)
}
