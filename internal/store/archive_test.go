package store_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/store"
)

// hostileArchives are small files that unpack to a lot, or to what is none of ours: the
// lines after the first one, and what is said of them.
var hostileArchives = map[string]struct {
	says  string
	lines func() string
}{
	"a row of nothing before the first table": {"before the first table", func() string { return "[]\n" }},
	"a row before the first table":            {"before the first table", func() string { return "[1]\n" }},
	"a row of millions of values": {"another number of values", func() string {
		return `{"table":"meta","columns":["name","value"]}` + "\n[0" + strings.Repeat(",0", 4<<20) + "]\n"
	}},
	"a table of millions of columns": {"longer than 65536 bytes", func() string {
		return `{"table":"meta","columns":[""` + strings.Repeat(`,""`, 1<<20) + "]}\n"
	}},
	"an end of many tables": {"longer than 65536 bytes", func() string {
		return `{"sha256":"x","end":{"a":1` + strings.Repeat(`,"b":1`, 1<<20) + "}}\n"
	}},
	"many tables": {"more than 100 tables", func() string {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, "{\"table\":\"%d\"}\n", i)
		}
		return b.String()
	}},
	"many columns": {"100 columns", func() string {
		return `{"table":"meta","columns":["name"` + strings.Repeat(`,"value"`, 1000) + "]}\n"
	}},
	"a line without end": {"longer than 33554432 bytes", func() string { return strings.Repeat("[", 40<<20) }},
}

// most is what reading such a file may allocate in all, in bytes: some times the longest
// line.
const most = 256 << 20

// No file makes its reader panic or take memory without bound.
func TestAHostileBackupIsRefused(t *testing.T) { // alone, for its memory
	to := open(t, "sqlite::memory:", "")
	about := lines(t, backup(t, to))[0]
	for name, c := range hostileArchives {
		var file bytes.Buffer
		zip, _ := gzip.NewWriterLevel(&file, gzip.BestSpeed) // one of its levels
		_, err := io.WriteString(zip, about+c.lines())
		if err := errors.Join(err, zip.Close()); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = store.VerifyBackup(bytes.NewReader(file.Bytes()), nil)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > most {
			t.Errorf("%s takes %d MB", name, took>>20)
		}
		if !errors.Is(err, store.ErrBackup) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, verified: %v", name, err)
		}
		_, err = to.Restore(t.Context(), bytes.NewReader(file.Bytes()), store.RestoreOptions{Replace: true})
		if !errors.Is(err, store.ErrBackup) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, restored: %v", name, err)
		}
	}
}

// FuzzRestore restores what is almost a backup: lines, packed and ended as they should
// be, and a file as it is. What is refused changes nothing, and what is restored is
// what the file has.
func FuzzRestore(f *testing.F) {
	from, to := open(f, "sqlite::memory:", ""), open(f, "sqlite::memory:", "")
	fill(f, from)
	file := backup(f, from)
	all := lines(f, file)
	var about store.About
	if err := json.Unmarshal([]byte(all[0]), &about); err != nil {
		f.Fatal(err)
	}
	whole := strings.Join(all[:len(all)-1], "")
	f.Add(file, false)
	f.Add([]byte(whole), true)
	for i := range len(all) - 1 { // each line is missing once, and comes twice
		f.Add([]byte(strings.Join(slices.Delete(slices.Clone(all[:len(all)-1]), i, i+1), "")), true)
		f.Add([]byte(strings.Join(slices.Insert(slices.Clone(all[:len(all)-1]), i, all[i]), "")), true)
	}
	f.Add([]byte(all[0]+"[]\n"), true)
	var mine []string
	f.Fuzz(func(t *testing.T, data []byte, packed bool) {
		if packed {
			if older := aboutOf(data); older < about.Schema {
				return // it goes by way of the migrations, which takes long
			}
			data = archive(t, string(data), countOf(string(data)))
		}
		if mine == nil {
			mine = content(t, backup(t, to))
		}
		_, verified := store.VerifyBackup(bytes.NewReader(data), nil)
		_, err := to.Restore(t.Context(), bytes.NewReader(data), store.RestoreOptions{Replace: true})
		now := content(t, backup(t, to))
		switch {
		case err != nil && !slices.Equal(now, mine):
			t.Fatalf("refused (%v), and what was there is changed", err)
		case err == nil && verified != nil:
			t.Fatalf("restored, but not verified: %v", verified)
		case err == nil && len(now) != len(content(t, data)):
			t.Fatalf("restored %d lines of %d", len(now), len(content(t, data)))
		}
		mine = now
	})
}

// aboutOf is the schema that the first line says.
func aboutOf(text []byte) int64 {
	var about store.About
	first, _, _ := bytes.Cut(text, []byte{'\n'})
	_ = json.Unmarshal(first, &about) // 0 where it can't be read
	return about.Schema
}

// countOf is what the last line should say of the lines before it.
func countOf(text string) string {
	var counts []string
	table, rows := "", 0
	end := func() {
		if table != "" {
			counts = append(counts, fmt.Sprintf("%q:%d", table, rows))
		}
	}
	for line := range strings.Lines(text) {
		var begins struct{ Table string }
		if line[0] == '[' {
			rows++
		} else if json.Unmarshal([]byte(line), &begins) == nil && begins.Table != "" {
			end()
			table, rows = begins.Table, 0
		}
	}
	end()
	return strings.Join(counts, ",")
}
