package migrate

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"autoconfig/internal/suggest"
)

// csvLines reads a CSV file.
type csvLines[T any] struct {
	reader  *csv.Reader
	gate    *gate
	columns []column[T]
	header  []int // the column of each cell
	ended   bool
}

// gate stops a line that is too long before the CSV reader has buffered all of it.
type gate struct {
	r     *bufio.Reader
	given int64 // bytes handed to the CSV reader
	from  int64 // of those, up to the end of the last line
}

var errLong = errors.New("the line is too long")

// readAhead is how much a CSV reader buffers beyond its line.
const readAhead = 4096

func (g *gate) Read(p []byte) (int, error) {
	if g.given-g.from > maxLine+readAhead {
		return 0, errLong
	}
	n, err := g.r.Read(p[:min(len(p), readAhead)])
	g.given += int64(n)
	return n, err
}

func newCSVLines[T any](in *bufio.Reader, columns []column[T]) (lines[T], error) {
	first, err := in.Peek(maxLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c := &csvLines[T]{gate: &gate{r: in}, columns: columns}
	c.reader = csv.NewReader(c.gate)
	c.reader.Comma = delimiter(string(first))
	c.reader.FieldsPerRecord = -1 // our own message is better
	c.reader.ReuseRecord = true
	header, err := c.read()
	if errors.Is(err, io.EOF) {
		return &failed[T]{Refusal{Line: 1, Text: "it is empty; its first line must name the columns: " +
			strings.Join(c.names(), ",")}, false}, nil
	}
	if why := new(badLine); errors.As(err, &why) {
		return &failed[T]{why.Refusal, false}, nil
	} else if err != nil {
		return nil, err
	}
	if why := c.readHeader(header); why != "" {
		return &failed[T]{Refusal{Line: 1, Text: why}, false}, nil
	}
	return c, nil
}

// delimiter guesses the separator from the first line. Spreadsheets write ; in locales with a
// decimal comma.
func delimiter(text string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	best := ','
	most := strings.Count(line, ",")
	for _, other := range ";\t" {
		if n := strings.Count(line, string(other)); n > most {
			best = other
			most = n
		}
	}
	return best
}

func (c *csvLines[T]) names() []string {
	var names []string
	for _, column := range c.columns {
		if column.name != "" {
			names = append(names, column.name)
		}
	}
	return names
}

func (c *csvLines[T]) readHeader(header []string) (why string) {
	names := c.names()
	seen := map[int]bool{}
	for i, name := range header {
		if strings.Contains(name, "\r") {
			return `its lines end with CR alone, as on old Macs: save the file as "CSV UTF-8"`
		}
		if strings.Contains(name, "@") {
			return "the first line must name the columns: " + strings.Join(names, ",")
		}
		at := -1
		for j, column := range c.columns {
			if column.name != "" && column.name == word(name) {
				at = j
			}
		}
		switch {
		case at < 0 && word(name) == "":
			return fmt.Sprintf("column %d has no name", i+1)
		case at < 0:
			return fmt.Sprintf("there is no column %q; %s", brief(name), suggest.Text(strings.TrimSpace(name), names))
		case seen[at]:
			return fmt.Sprintf("there are two columns %q", word(name))
		}
		seen[at] = true
		c.header = append(c.header, at)
	}
	if !seen[0] {
		return fmt.Sprintf("there is no column %q, which tells what a line is about", names[0])
	}
	return ""
}

// badLine is a line that isn't valid CSV.
type badLine struct{ Refusal }

func (b *badLine) Error() string { return b.String() }

// read returns the cells of the next line.
func (c *csvLines[T]) read() ([]string, error) {
	cells, err := c.reader.Read()
	length := c.reader.InputOffset() - c.gate.from
	c.gate.from = c.reader.InputOffset()
	line := 0
	if len(cells) > 0 {
		line, _ = c.reader.FieldPos(0)
	}
	tooLong := &badLine{Refusal{Line: line, Text: fmt.Sprintf(
		"the line is longer than %d KiB; is a quote opened and not closed?", maxLine>>10)}}
	parse := new(csv.ParseError)
	switch {
	case errors.Is(err, errLong):
		c.ended = true // the beginning of the next line is unknown
		return nil, tooLong
	case errors.As(err, &parse):
		text := fmt.Sprintf(`the quote at column %d stands within a cell; quote the whole cell, and write a quote in it `+
			`twice`, parse.Column)
		if errors.Is(parse.Err, csv.ErrQuote) {
			text = "a cell's quote is opened and not closed, or has text behind it"
		}
		return nil, &badLine{Refusal{Line: parse.StartLine, Text: text}}
	case err != nil:
		return nil, err
	case length > maxLine:
		return nil, tooLong
	}
	return cells, nil
}

func (c *csvLines[T]) next() (patch[T], error) {
	for !c.ended {
		cells, err := c.read()
		if why := new(badLine); errors.As(err, &why) {
			return patch[T]{line: why.Line, refused: []Refusal{why.Refusal}}, nil
		} else if err != nil {
			return patch[T]{}, err
		}
		if strings.Join(cells, "") == "" {
			continue // spreadsheets write empty lines below the table
		}
		return c.patch(cells), nil
	}
	return patch[T]{}, io.EOF
}

func (c *csvLines[T]) patch(cells []string) patch[T] {
	var p patch[T]
	p.line, _ = c.reader.FieldPos(0)
	if len(cells) != len(c.header) {
		p.refuse(p.line, "", "it has %d cells, and the first line names %d columns", len(cells), len(c.header))
		return p
	}
	for i, cell := range cells {
		column := c.columns[c.header[i]]
		p.given |= 1 << c.header[i]
		if cell == "" {
			continue
		}
		line, _ := c.reader.FieldPos(i)
		switch {
		case len(cell) > maxField:
			p.refuse(line, column.name, "it is longer than %d KiB", maxField>>10)
		case !utf8.ValidString(cell):
			p.refuse(line, column.name, "%s", notUTF8)
		default:
			if err := column.cell(&p.value, cell); err != nil {
				p.refuse(line, column.name, "%v", err)
			}
		}
	}
	return p
}
