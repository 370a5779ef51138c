package migrate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Format is the format of a file.
type Format string

// The formats.
const (
	CSV   Format = "csv"   // a line of column names, then a line for each
	JSONL Format = "jsonl" // a JSON object on each line
)

// FormatOf returns the format for a file's name.
func FormatOf(name string) (Format, bool) {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv":
		return CSV, true
	case ".jsonl", ".ndjson":
		return JSONL, true
	}
	return "", false
}

// Limits of a line, in bytes, which bound the memory that a file takes.
const (
	maxLine  = 64 << 10
	maxField = 16 << 10
)

const (
	byteOrderMark = "\xef\xbb\xbf"
	notUTF8       = `it is not UTF-8: save the file as "CSV UTF-8"`
)

// lines reads a file line by line.
type lines[T any] interface {
	// next returns the content of the next line, or io.EOF.
	next() (patch[T], error)
}

// readLines detects the beginning of a file. columns must be fewer than 32.
func readLines[T any](file io.Reader, format Format, columns []column[T]) (lines[T], error) {
	in := bufio.NewReaderSize(file, maxLine)
	begin, err := in.Peek(len(byteOrderMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.Equal(begin, []byte(byteOrderMark)):
		if _, err := in.Discard(len(byteOrderMark)); err != nil {
			return nil, err
		}
	default:
		if why := otherFile(begin); why != "" {
			return &failed[T]{Refusal{Line: 1, Text: why}, false}, nil
		}
	}
	switch format {
	case CSV:
		return newCSVLines(in, columns)
	case JSONL:
		return &jsonLines[T]{in: in, columns: columns}, nil
	}
	return nil, fmt.Errorf("%q is not a format: use csv or jsonl", format)
}

// otherFile recognises a file that isn't UTF-8 text by its first bytes, and says what it is.
func otherFile(begin []byte) (why string) {
	switch {
	case bytes.HasPrefix(begin, []byte{0xff, 0xfe}), bytes.HasPrefix(begin, []byte{0xfe, 0xff}),
		bytes.IndexByte(begin, 0) >= 0:
		return `it is UTF-16: save the file as "CSV UTF-8"`
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		return "it is compressed with gzip; unpack it, with: gunzip -c FILE | autoconfig import ... - --format FORMAT"
	case bytes.HasPrefix(begin, []byte("PK\x03")):
		return `it is a spreadsheet or an archive: save the table as "CSV UTF-8"`
	}
	return ""
}

// failed is a file that can't be read beyond its beginning.
type failed[T any] struct {
	why  Refusal
	said bool
}

func (f *failed[T]) next() (patch[T], error) {
	if f.said {
		return patch[T]{}, io.EOF
	}
	f.said = true
	return patch[T]{line: f.why.Line, refused: []Refusal{f.why}}, nil
}
