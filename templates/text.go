package templates

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// Moment is a time on a page: as text in a language and a zone, and for programs. A
// script shows it in the reader's own zone.
type Moment struct {
	At   time.Time
	Text string
}

// String is what is in a sentence.
func (m Moment) String() string { return m.Text }

// timed marks the time in a sentence up as one.
func timed(sentence string, m Moment) template.HTML {
	escaped, text := template.HTMLEscapeString(sentence), template.HTMLEscapeString(m.Text)
	element := fmt.Sprintf(`<time datetime="%s">%s</time>`, m.At.UTC().Format(time.RFC3339), text)
	return template.HTML(strings.Replace(escaped, text, element, 1)) //nolint:gosec // escaped above
}

// datetime is a time of [autoconfig/internal/web.Moment] for programs; "" for another text.
func datetime(text string) string {
	at, err := time.Parse("2006-01-02 15:04 UTC", text)
	if err != nil {
		return ""
	}
	return at.Format(time.RFC3339)
}

// split lets a text that holds an address break behind its @, and not inside a word.
func split(text string) template.HTML {
	//nolint:gosec // escaped
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(text), "@", "@<wbr>"))
}

// buttonMark is where in a step its button is.
const buttonMark = "\u241f"

// step is a step of instructions.
type step struct {
	Text string
	// Button: the step is to press it.
	Button bool
}

// steps are the lines of instructions.
func steps(text string) []step {
	var all []step
	for line := range strings.SplitSeq(text, "\n") {
		line, marked := strings.ReplaceAll(line, buttonMark, ""), strings.Contains(line, buttonMark)
		all = append(all, step{strings.TrimSpace(line), marked})
	}
	return all
}
