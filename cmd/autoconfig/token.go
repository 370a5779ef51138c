package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/staff"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token for a program that uses the API."`
	List   tokenListCmd   `cmd:"" help:"List tokens."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token."`
}

type tokenCreateCmd struct {
	Name    string   `arg:"" help:"What the audit log calls the program."`
	Scopes  []string `help:"What it may do: links:read, links:write, accounts:read, accounts:write, domains:read, domains:write, decisions:read, renders:read, checks:read, audit:read." required:""`
	Domains []string `help:"Primary domains that it serves; * for all." required:""`
	Days    int      `help:"Days for which it is valid, at most 366." default:"90"`
}

func (t *tokenCreateCmd) Help() string {
	return `Prints the token, only now.

Examples:
  autoconfig token create tickets --scopes links:write,links:read --domains example.com
  autoconfig token create panel --scopes accounts:read,accounts:write --domains "*" --days 365`
}

func (t *tokenCreateCmd) Run(c *call, app *application) error {
	acts, err := app.staffAdmin()
	if err != nil {
		return err
	}
	text, _, err := acts.MakeToken(c, admin.CommandLine(), staff.Token{
		Name: t.Name, Scopes: t.Scopes, Domains: t.Domains, ExpiresAt: time.Now().AddDate(0, 0, t.Days),
	})
	if err != nil {
		return err
	}
	c.printf("%s\n", text)
	return nil
}

type tokenListCmd struct{ jsonFlag }

func (l *tokenListCmd) Help() string {
	return `Example:
  autoconfig token list --json`
}

func (l *tokenListCmd) Run(c *call, app *application) error {
	tokens, err := app.store.Tokens(c)
	if err != nil {
		return err
	}
	header := []string{"ID", "NAME", "SCOPES", "DOMAINS", "VALID UNTIL"}
	return printList(c, l.JSON, header, tokens, func(t staff.Token) []string {
		return []string{t.ID, t.Name, strings.Join(t.Scopes, " "), strings.Join(t.Domains, " "), t.ExpiresAt.Format("2006-01-02")}
	})
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"The token's ID, as list shows it."`
}

func (r *tokenRevokeCmd) Help() string {
	return `Example:
  autoconfig token revoke 4q7xk2m5ab`
}

func (r *tokenRevokeCmd) Run(c *call, app *application) error {
	err := app.admin().RevokeToken(c, admin.CommandLine(), r.ID)
	if errors.Is(err, staff.ErrUnknown) {
		return refusal{fmt.Errorf("there is no token %q; see: autoconfig token list", r.ID)}
	}
	return err
}
