package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/settings"
	"autoconfig/templates"
)

// mailAdmin does what may be done with messages.
func (app *application) mailAdmin() (*admin.Admin, error) {
	acts, err := app.linkAdmin()
	if err != nil {
		return nil, err
	}
	if acts.Catalogue, err = templates.NewCatalogue(app.process.templates()); err != nil {
		return nil, err
	}
	mails, err := templates.NewMails(acts.Catalogue, app.process.templates())
	if err != nil {
		return nil, err
	}
	acts.Outbox = app.process.outbox(app.store, acts.Links.Secret, mails)
	return acts, nil
}

// sendingFlags say how a message goes.
type sendingFlags struct {
	To       string `help:"Where the message goes: an address that the person can read now." placeholder:"ADDRESS"`
	ToItself bool   `help:"Send it even if that is the mailbox itself, which can't be read before it is set up."`
}

func (f sendingFlags) sending() (admin.Sending, error) {
	to, err := settings.ParseAddress(f.To)
	return admin.Sending{To: to, ToItself: f.ToItself}, err
}

type welcomeCmd struct {
	jsonFlag
	sendingFlags
	Address  string `arg:"" optional:"" help:"The new mailbox."`
	File     string `help:"A CSV file with the columns address, to and, if you like, language; - for standard input." placeholder:"FILE"`
	Valid    span   `help:"How long the link in it is valid; 14d by default." placeholder:"14d"`
	Uses     int    `help:"How often the link can be used; 5 by default."`
	Language string `help:"Language of the message and of the link's page, such as de."`
	Again    bool   `help:"Send it even if the mailbox was sent one before."`
	DryRun   bool   `help:"Show what would be sent, and send nothing."`
}

func (w *welcomeCmd) Help() string {
	return `Sends the person of a new mailbox a message with a setup link, the settings, and
which of IMAP and POP3 to use. It goes to another address than the mailbox, and is
sent by the running service. A mailbox gets one; running a list again sends only
what is missing.

Examples:
  autoconfig welcome office@example.com --to eva@home.example
  autoconfig welcome office@example.com --to eva@home.example --dry-run
  autoconfig welcome --file new-mailboxes.csv --language de`
}

func (w *welcomeCmd) Run(c *call, app *application) error {
	if (w.Address == "") == (w.File == "") {
		return errors.New("name the mailbox, or a list with --file")
	}
	if w.File != "" && (w.To != "" || w.ToItself) {
		return errors.New("--to and --to-itself are for one mailbox: a list has the column to")
	}
	acts, err := app.mailAdmin()
	if err != nil {
		return err
	}
	if w.File != "" {
		return w.list(c, acts)
	}
	row, err := w.row(w.Address, w.To, w.Language)
	if err != nil {
		return err
	}
	if w.DryRun {
		says, err := acts.RenderWelcome(c, admin.CommandLine(), row.order, row.sending)
		if err != nil {
			return said(err)
		}
		if w.JSON {
			return c.json(says)
		}
		c.printf("To: %s\nSubject: %s\n\n%s", row.sending.To, says.Subject, says.Text)
		return nil
	}
	_, m, err := acts.Welcome(c, admin.CommandLine(), row.order, row.sending)
	if err != nil {
		return said(err)
	}
	if w.JSON {
		return c.json(m)
	}
	c.printf("The welcome message for %s to %s waits to be sent; see: autoconfig message show %s\n", m.Address, m.To, m.ID)
	return nil
}

// welcomeRow is one mailbox to be welcomed.
type welcomeRow struct {
	order   links.Order
	sending admin.Sending
}

func (w *welcomeCmd) row(address, to, language string) (welcomeRow, error) {
	about, err := settings.ParseAddress(address)
	if err != nil {
		return welcomeRow{}, err
	}
	sending := admin.Sending{ToItself: w.ToItself, Again: w.Again}
	if to == "" {
		return welcomeRow{}, errors.New("the message needs a recipient that the person can read now: --to ADDRESS, or the column to of a list")
	}
	if sending.To, err = settings.ParseAddress(to); err != nil {
		return welcomeRow{}, err
	}
	order := links.Order{Address: about, Valid: time.Duration(w.Valid), Uses: w.Uses, Language: language}
	return welcomeRow{order, sending}, nil
}

// welcomed are the numbers of a list.
type welcomed struct {
	Queued  int      `json:"queued"`
	Before  int      `json:"welcomed_before"`
	Refused int      `json:"refused"`
	Reasons []string `json:"reasons,omitempty"`
}

// list welcomes the mailboxes of a file, each by itself: what is done stays done if the
// command is stopped, and isn't done again by the next one.
func (w *welcomeCmd) list(c *call, acts *admin.Admin) error {
	file, err := openInput(c, w.File, formatFlag{Format: "csv"})
	if err != nil {
		return err
	}
	defer file.close()
	m := &meter{what: "reading " + file.name, size: file.size}
	stop := c.start(m, w.JSON)
	var n welcomed
	tried := map[string]bool{} // by a dry run, which writes nothing down
	err = w.each(m.reading(file.file), func(line int, row welcomeRow, err error) error {
		m.lines.Add(1)
		if key := row.order.Address.Key(); err == nil && w.DryRun {
			if tried[key] && !w.Again {
				n.Before++
				return c.Err()
			}
			tried[key] = true
			_, err = acts.RenderWelcome(c, admin.CommandLine(), row.order, row.sending)
		} else if err == nil {
			_, _, err = acts.Welcome(c, admin.CommandLine(), row.order, row.sending)
		}
		switch err = said(err); {
		case err == nil:
			n.Queued++
		case errors.Is(err, post.ErrAgain):
			n.Before++
		case isRefusal(err) || errors.As(err, new(refusal)) || errors.Is(err, settings.ErrAddress):
			n.Refused++
			n.Reasons = append(n.Reasons, fmt.Sprintf("line %d: %v", line, err))
		default: // the database, or somebody has had enough
			return fmt.Errorf("line %d: %w; the lines before it are done", line, err)
		}
		return c.Err()
	})
	stop()
	return w.end(c, n, err)
}

func (w *welcomeCmd) end(c *call, n welcomed, err error) error {
	if w.JSON {
		err = errors.Join(err, c.json(n))
	} else {
		for _, reason := range n.Reasons {
			fmt.Fprintln(c.std.err, reason)
		}
		what := "wait to be sent"
		if w.DryRun {
			what = "would be sent"
		}
		c.printf("%d messages %s, %d mailboxes were welcomed before, %d lines are refused\n", n.Queued, what, n.Before, n.Refused)
	}
	if err == nil && n.Refused > 0 {
		err = errFinding
	}
	return err
}

// each reads the lines of a list, and tells of each what it says or why it can't be read.
func (w *welcomeCmd) each(from io.Reader, tell func(line int, row welcomeRow, err error) error) error {
	r := csv.NewReader(from)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("the first line must name the columns, such as address,to,language: %w", err)
	}
	column := map[string]int{"address": -1, "to": -1, "language": -1}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if at, known := column[name]; !known || at >= 0 {
			return fmt.Errorf("the column %q is not one of address, to, language, or is there twice", name)
		}
		column[name] = i
	}
	if column["address"] < 0 || column["to"] < 0 {
		return errors.New("the first line must name the columns address and to")
	}
	for {
		cells, err := r.Read()
		broken := (*csv.ParseError)(nil)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken): // where the next line begins isn't known
			return fmt.Errorf("line %d: %w; the list is read only up to there", broken.Line, broken.Err)
		case err != nil:
			return err
		}
		line, _ := r.FieldPos(0)
		cell := func(name string) string {
			if at := column[name]; at >= 0 && at < len(cells) {
				return strings.TrimSpace(cells[at])
			}
			return ""
		}
		language := slices.DeleteFunc([]string{cell("language"), w.Language, ""}, func(s string) bool { return s == "" })
		row, err := w.row(cell("address"), cell("to"), strings.Join(language[:min(1, len(language))], ""))
		if err != nil {
			err = refusal{err}
		}
		if err := tell(line, row, err); err != nil {
			return err
		}
	}
}
