package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Error lists everything that is wrong with a file, in the file's order.
type Error struct {
	File  string
	Items []Item
}

// Item is one mistake and its place. Line and Column count from 1, Column in characters;
// they are 0 for a mistake of the whole file.
type Item struct {
	Line, Column int
	Text         string
	// Source is that line of the file.
	Source string
}

// maxItems bounds the mistakes that are shown at once.
const maxItems = 20

func (e *Error) Error() string {
	var b strings.Builder
	for i, item := range e.Items {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == maxItems {
			fmt.Fprintf(&b, "... and %d more", len(e.Items)-maxItems)
			break
		}
		b.WriteString(item.in(e.File))
	}
	return b.String()
}

// in formats an item as compilers do: file, line, column, and a caret below the line.
func (i Item) in(file string) string {
	if i.Line == 0 {
		return file + ": " + i.Text
	}
	number := fmt.Sprintf("%5d", i.Line)
	return fmt.Sprintf("%s:%d:%d: %s\n%s | %s\n%s | %s^", file, i.Line, i.Column, i.Text,
		number, i.Source, strings.Repeat(" ", len(number)), blanksUpTo(i.Source, i.Column))
}

var password = regexp.MustCompile(`(://[^\s:/@"']*:)([^"']*)@`)

// masked replaces the passwords of URLs in a line, which is shown on terminals and in
// journals. It keeps the columns, for the caret.
func masked(line string) string {
	for _, at := range password.FindAllStringSubmatchIndex(line, -1) {
		secret := line[at[4]:at[5]]
		line = line[:at[4]] + strings.Repeat("x", utf8.RuneCountInString(secret)) + line[at[5]:]
		if len(secret) != utf8.RuneCountInString(secret) {
			return masked(line) // again, as the rest has moved
		}
	}
	return line
}

// blanksUpTo returns a blank for each character before the column. Tabs stay, so that the
// caret is in the right place however wide they are shown.
func blanksUpTo(source string, column int) string {
	var b strings.Builder
	n := 1
	for _, r := range source {
		if n >= column {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
		n++
	}
	for ; n < column; n++ {
		b.WriteByte(' ')
	}
	return b.String()
}

// complaints collects the mistakes in one file.
type complaints struct {
	lines []string
	items []Item
}

func (c *complaints) add(line, column int, format string, args ...any) {
	item := Item{Line: line, Column: max(column, 1), Text: fmt.Sprintf(format, args...)}
	if line >= 1 && line <= len(c.lines) {
		item.Source = masked(strings.TrimRight(c.lines[line-1], "\r"))
	}
	c.items = append(c.items, item)
}

func (c *complaints) err(file string) error {
	if len(c.items) == 0 {
		return nil
	}
	slices.SortStableFunc(c.items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{File: file, Items: c.items}
}

// At gives an error a place in a file: that of the key at a path like sources[0].sql, or of
// the nearest key that the file has.
func At(file string, source []byte, path string, err error) error {
	d, failure := parse(file, source, maxSite)
	if failure != nil || d.body == nil {
		return err
	}
	at := place(find(d.body, path))
	d.add(at.Line, at.Column, "%v", err)
	return d.err(file)
}
