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

// ErrBackup means that a file isn't a complete backup that this version can read.
var ErrBackup = errors.New("the backup can't be used")

// archiveFormat is the version of the backup format: gzip over lines of JSON. The first line is
// [About]. A table's line names its columns; its rows follow. The last line has the number of
// rows and the SHA-256 of all lines before it, so that a truncated file is detected. The format
// is the same for all kinds of databases.
const archiveFormat = 1

// maxArchiveLine bounds a row, in bytes: the largest document that a database accepts, in
// base64.
const maxArchiveLine = 32 << 20

// Bounds for the number of tables, of columns in each, and for a line that isn't a row, in
// bytes: a small gzip file may unpack to a huge one.
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
	// Secret identifies the secret_file without revealing it; "" if there was none.
	Secret string `json:"secret,omitempty"`
}

// Archive is the content of a backup: the number of rows of each table.
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

// VerifyBackup reads a backup to its end, and returns [ErrBackup] if anything is missing or
// damaged. read is called for every row unless it is nil.
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
	return a, a.encoder.Encode(about) //nolint:gosec // its secret is only a fingerprint
}

func (a *archiveWriter) begin(t tableLine) error {
	a.table = t.Table
	a.rows[t.Table] = 0
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

// archiveReader reads a backup after its first line.
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

// next returns a line with its line break, or io.EOF after the last one.
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

// rest reads everything after the first line, and calls row for each row.
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
			if err := json.Unmarshal(text, &values); err != nil { // excess values are dropped
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
		return fmt.Errorf("it is longer than %d bytes, which no row is", maxArchiveHead)
	}
	return json.Unmarshal(text, into)
}

// judgeEnd compares the last line with what was read.
func (a *archiveReader) judgeEnd(end endLine, rows map[string]int64) error {
	if end.SHA256 != hex.EncodeToString(a.sum.Sum(nil)) || !maps.Equal(end.End, rows) {
		return fmt.Errorf("%w: it was changed after it was written: its checksum is wrong", ErrBackup)
	}
	if _, err := a.next(); !errors.Is(err, io.EOF) { // at its end, gzip verifies its checksum
		return errors.Join(a.broken("there is something after the end"), err)
	}
	return nil
}

// archived converts a database's value for a backup: null, a number, a text, or an object with
// base64 under "b" for bytes that aren't text. MySQL's types don't distinguish texts from bytes,
// so the value decides.
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

// restored converts a value from a backup for its column. Texts are bound as strings: see
// [encode].
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
