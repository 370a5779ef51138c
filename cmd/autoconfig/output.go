package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"autoconfig/settings"
)

// jsonFlag is on every command that prints results.
type jsonFlag struct {
	JSON bool `help:"Print JSON."`
}

func (c *call) json(v any) error {
	e := json.NewEncoder(c.std.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table prints rows in aligned columns.
func (c *call) table(rows [][]string) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		c.printf("%s\n", strings.TrimRight(line, " \n"))
	}
	return nil
}

// serverText is a server as people write it: host:port/security.
func serverText(s settings.Server) string {
	return fmt.Sprintf("%s:%d/%s", s.Host, s.Port, s.Security)
}

func authText(auth []settings.Auth) string {
	words := make([]string, len(auth))
	for i, a := range auth {
		words[i] = string(a)
	}
	return strings.Join(words, " ")
}
