package store

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// ErrBackup means that a file isn't a whole backup that this version can read.
var ErrBackup = errors.New("the backup can't be used")

// archiveFormat is the version of how a backup is written: gzip over lines of JSON.
// The first line is [About]. A table's line names its columns; the lines after it
// are its rows. The last line counts the rows and has the SHA-256 of all lines
// before it, so that a file that was cut is noticed. The three kinds of databases
// write the same.
const archiveFormat = 1

// maxArchiveLine bounds one row, in bytes: the largest document that a database
// takes, written as base64.
const maxArchiveLine = 32 << 20

// A small file unpacks to a great many of anything. So much there may be of the tables,
// of the columns of each, and of a line that isn't a row, in bytes.
const (
	maxArchiveTables  = 100
	maxArchiveColumns = 100
	maxArchiveHead    = 64 << 10
)

// About is the first line of a backup.
type About struct {
	Format  int       `json:"autoconfig_backup"`
	Schema  int64     `json:"schema"` // of the tables
	SiteID  string    `json:"site_id"`
	Kind    string    `json:"kind"` // of the database
	MadeAt  time.Time `json:"made_at"`
	Program string    `json:"program"` // the version of autoconfig
	// Secret tells one secret_file from another, and nothing of what is in it; "" if
	// there was none.
	Secret string `json:"secret,omitempty"`
}

// Archive is what a backup has in it: the rows of each table.
type Archive struct {
	About
	Rows map[string]int64
}

// tableLine begins a table.
type tableLine struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// endLine is the last line.
type endLine struct {
	End    map[string]int64 `json:"end"`
	SHA256 string           `json:"sha256"`
}

// VerifyBackup reads a backup to its end; [ErrBackup] if anything is missing or
// damaged. read is told of every row, and may be nil.
func VerifyBackup(r io.Reader, read func(rows int)) (Archive, error) {
	a, err := openArchive(r)
	if err != nil {
		return Archive{}, err
	}
	return a.rest(func(tableLine, []json.RawMessage) error {
		if read != nil {
			read(1)
		}
		return nil
	})
}

// archiveWriter writes a backup.
type archiveWriter struct {
	zip     *gzip.Writer
	buffer  *bufio.Writer
	sum     hash.Hash
	encoder *json.Encoder
	rows    map[string]int64
	table   string
}

func newArchiveWriter(w io.Writer, about About) (*archiveWriter, error) {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	a := &archiveWriter{zip: zip, sum: sha256.New(), rows: map[string]int64{}}
	a.buffer = bufio.NewWriterSize(io.MultiWriter(zip, a.sum), 1<<16)
	a.encoder = json.NewEncoder(a.buffer)
	a.encoder.SetEscapeHTML(false)
	return a, a.encoder.Encode(about) //nolint:gosec // a mark of the secret, which doesn't lead to it
}

func (a *archiveWriter) begin(t tableLine) error {
	a.table, a.rows[t.Table] = t.Table, 0
	return a.encoder.Encode(t)
}

func (a *archiveWriter) row(values []any) error {
	a.rows[a.table]++
	return a.encoder.Encode(values)
}

func (a *archiveWriter) end() error {
	if err := a.buffer.Flush(); err != nil {
		return err
	}
	sum := hex.EncodeToString(a.sum.Sum(nil))
	return errors.Join(a.encoder.Encode(endLine{a.rows, sum}), a.buffer.Flush(), a.zip.Close())
}

// archiveReader reads a backup, whose first line it has read already.
type archiveReader struct {
	about About
	lines *bufio.Reader
	sum   hash.Hash
	line  int
}

func openArchive(r io.Reader) (*archiveReader, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: it was not written by autoconfig backup (%w)", ErrBackup, err)
	}
	a := &archiveReader{lines: bufio.NewReaderSize(zip, 1<<16), sum: sha256.New()}
	text, err := a.next()
	if err != nil {
		return nil, err
	}
	a.sum.Write(text)
	if err := unmarshalHead(text, &a.about); err != nil || a.about.Format < 1 {
		return nil, fmt.Errorf("%w: it was not written by autoconfig backup", ErrBackup)
	}
	if a.about.Format > archiveFormat {
		return nil, fmt.Errorf("%w: autoconfig %s wrote it in format %d, this one reads %d; use the newer autoconfig",
			ErrBackup, a.about.Program, a.about.Format, archiveFormat)
	}
	return a, nil
}

// next is a line with its end; io.EOF after the last.
func (a *archiveReader) next() ([]byte, error) {
	a.line++
	var line []byte
	for {
		part, err := a.lines.ReadSlice('\n')
		if len(line)+len(part) > maxArchiveLine {
			return nil, a.broken("the line is longer than %d bytes", maxArchiveLine)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, a.cut()
		case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, new(flate.CorruptInputError)):
			return nil, a.broken("%w", err)
		default:
			return nil, err
		}
	}
}

func (a *archiveReader) broken(format string, args ...any) error {
	return fmt.Errorf("%w: line %d is damaged: %w", ErrBackup, a.line, fmt.Errorf(format, args...))
}

func (a *archiveReader) cut() error {
	return fmt.Errorf("%w: it ends in line %d, before its last line; it was cut short", ErrBackup, a.line)
}

// rest reads everything after the first line, and gives each row with its table.
func (a *archiveReader) rest(row func(tableLine, []json.RawMessage) error) (Archive, error) {
	all := Archive{About: a.about, Rows: map[string]int64{}}
	var table tableLine
	var values [maxArchiveColumns + 1]json.RawMessage
	for {
		text, err := a.next()
		if errors.Is(err, io.EOF) {
			return all, a.cut()
		} else if err != nil {
			return all, err
		}
		if text[0] == '[' {
			if table.Table == "" {
				return all, a.broken("a row comes before the first table")
			}
			if err := json.Unmarshal(text, &values); err != nil { // what is too much is left out
				return all, a.broken("%w", err)
			}
			n := slices.IndexFunc(values[:], func(v json.RawMessage) bool { return v == nil })
			if n != len(table.Columns) {
				return all, a.broken("it has another number of values than the %d columns", len(table.Columns))
			}
			all.Rows[table.Table]++
			if err := row(table, values[:n]); err != nil {
				return all, err
			}
			a.sum.Write(text)
			continue
		}
		var line struct {
			tableLine
			endLine
		}
		if err := unmarshalHead(text, &line); err != nil {
			return all, a.broken("%w", err)
		}
		if line.SHA256 != "" {
			return all, a.judgeEnd(line.endLine, all.Rows)
		}
		table = line.tableLine
		if _, twice := all.Rows[table.Table]; twice || table.Table == "" {
			return all, a.broken("the table %q comes twice", table.Table)
		}
		if len(all.Rows) == maxArchiveTables || len(table.Columns) > maxArchiveColumns {
			return all, a.broken("there are more than %d tables, or %d columns", maxArchiveTables, maxArchiveColumns)
		}
		all.Rows[table.Table] = 0
		a.sum.Write(text)
	}
}

// unmarshalHead reads a line that isn't a row.
func unmarshalHead(text []byte, into any) error {
	if len(text) > maxArchiveHead {
		return fmt.Errorf("it is longer than %d bytes, and is no row", maxArchiveHead)
	}
	return json.Unmarshal(text, into)
}

// judgeEnd holds the last line against what was read.
func (a *archiveReader) judgeEnd(end endLine, rows map[string]int64) error {
	if end.SHA256 != hex.EncodeToString(a.sum.Sum(nil)) || !maps.Equal(end.End, rows) {
		return fmt.Errorf("%w: it was changed after it was written: its checksum is another", ErrBackup)
	}
	if _, err := a.next(); !errors.Is(err, io.EOF) { // at the end, gzip compares its own
		return errors.Join(a.broken("there is something after the end"), err)
	}
	return nil
}

// archived is a value of a database as it is written: null, a number, a text, or
// what is no text as base64 under "b". MySQL's types don't say which it is, and so
// the value does.
func archived(of columnType, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	var text string
	switch v := value.(type) {
	case int64:
		if of == integerType {
			return v, nil
		}
	case string:
		text = v
	case []byte:
		text = string(v)
	}
	switch {
	case of == integerType:
		return strconv.ParseInt(text, 10, 64)
	case utf8.ValidString(text):
		return text, nil
	}
	return binary{[]byte(text)}, nil
}

type binary struct {
	Base64 []byte `json:"b"`
}

// restored is the value for a column that [archived] wrote. A text is bound as
// one: see [encode].
func restored(of columnType, text json.RawMessage) (any, error) {
	if bytes.Equal(text, []byte("null")) {
		return nil, nil
	}
	if of == integerType {
		return strconv.ParseInt(string(text), 10, 64)
	}
	var raw []byte
	if text[0] == '{' {
		var b binary
		if err := json.Unmarshal(text, &b); err != nil {
			return nil, err
		}
		raw = b.Base64
	} else {
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		raw = []byte(s)
	}
	if of == textType {
		return string(raw), nil
	}
	return raw, nil
}
