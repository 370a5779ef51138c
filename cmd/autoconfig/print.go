package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"

	"autoconfig/policy"
	"autoconfig/settings"
)

// jsonFlag is on every command that prints results.
type jsonFlag struct {
	JSON bool `help:"Print JSON."`
}

func (c *call) printf(format string, args ...any) { fmt.Fprintf(c.std.out, format, args...) }

func (c *call) json(v any) error {
	e := json.NewEncoder(c.std.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// jsonList prints a list as JSON, each item when it comes.
func (c *call) jsonList(all iter.Seq2[any, error]) error {
	out := bufio.NewWriter(c.std.out)
	between := "[\n  "
	for item, err := range all {
		if err != nil {
			return err
		}
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetIndent("  ", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(item); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s%s", between, bytes.TrimSpace(text.Bytes()))
		between = ",\n  "
	}
	if between == "[\n  " {
		between = "["
	} else {
		between = "\n"
	}
	fmt.Fprintf(out, "%s]\n", between)
	return out.Flush()
}

// jsonLine prints something as one line of JSON.
func (c *call) jsonLine(v any) error {
	e := json.NewEncoder(c.std.out)
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

// printList prints things as JSON, or as a table with a row for each.
func printList[T any](c *call, asJSON bool, header []string, all []T, row func(T) []string) error {
	if asJSON {
		return c.json(append([]T{}, all...)) // [], not null
	}
	rows := [][]string{header}
	for _, one := range all {
		rows = append(rows, row(one))
	}
	return c.table(rows)
}

func list(title string, lines []string) [][]string {
	var rows [][]string
	for i, line := range lines {
		if i > 0 {
			title = ""
		}
		rows = append(rows, []string{title, line})
	}
	return rows
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

func quotaText(b policy.Bytes) string {
	if b == 0 {
		return ""
	}
	return b.String()
}

func upper(p settings.Protocol) string { return strings.ToUpper(string(p)) }

// short is a text in one line that isn't long: others may have written it.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}
