package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func middle(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	if len(values) == 0 {
		return 0
	}
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// median is that of a server's rounds.
func (r *result) median(server int, of func(sample) float64) float64 {
	var values []float64
	for _, s := range r.rounds[server] {
		values = append(values, of(s))
	}
	return middle(values)
}

func micros(s sample) float64    { return s.micros }
func perSecond(s sample) float64 { return s.perSecond }

// paired is our share of another server's speed: each round is held against the same round
// of the other, since whatever else the machine does slows both down.
func (r *result) paired(server int, of func(ours, other sample) float64) (median, least, most float64) {
	var ratios []float64
	for i, ours := range r.rounds[0] {
		ratios = append(ratios, of(ours, r.rounds[server][i]))
	}
	return middle(ratios), slices.Min(ratios), slices.Max(ratios)
}

// byProcessor and byRate are above 1 where ours is the better one.
func byProcessor(ours, other sample) float64 { return other.micros / max(ours.micros, 1e-9) }
func byRate(ours, other sample) float64      { return ours.perSecond / max(other.perSecond, 1e-9) }

func (r *result) line() string {
	text := fmt.Sprintf("%-36s %6.1f µs %7.0f/s", r.of.name, r.median(0, micros), r.median(0, perSecond))
	for i, name := range r.servers[1:] {
		median, least, most := r.paired(i+1, byProcessor)
		text += fmt.Sprintf("  %s %.1f µs, ratio %.2f (%.2f to %.2f)", name, r.median(i+1, micros), median, least, most)
	}
	return text
}

// The table stands between these lines of the page.
const (
	page        = "docs/performance.md"
	picture     = "docs/performance.svg"
	beginsTable = "<!-- make bench writes from here -->\n"
	endsTable   = "<!-- to here -->\n"
)

func (b *bench) report() error {
	table := b.table()
	fmt.Println(table)
	if !b.whole {
		return nil
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(beginsTable))
	_, after, ends := bytes.Cut(rest, []byte(endsTable))
	if !found || !ends {
		return fmt.Errorf("%s has no place for the table", page)
	}
	text = slices.Concat(before, []byte(beginsTable), []byte(table), []byte(endsTable), after)
	if err := os.WriteFile(page, text, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(picture), []byte(b.drawing()), 0o644)
}

func (b *bench) table() string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("Measured on %s on %s; %d rounds of %s for each server, %d connections. The processors were at most %.0f %% busy "+
		"with other things when a round began.\n", time.Now().UTC().Format(time.DateOnly), machine(), b.rounds, b.each, clients, 100*b.facts.busiest)
	say("| Request | Ours, µs | Requests per second | Held against | Its µs | By processor time | Least to most | By rate | Goal |")
	say("|---|--:|--:|---|--:|--:|---|--:|--:|")
	for i := range b.results {
		r := &b.results[i]
		ours := fmt.Sprintf("| %s | %.1f | %.0f ", r.of.name, r.median(0, micros), r.median(0, perSecond))
		for s, name := range r.servers[1:] {
			median, least, most := r.paired(s+1, byProcessor)
			rate, _, _ := r.paired(s+1, byRate)
			goal := ""
			if g := r.of.goal[name]; g > 0 {
				goal = fmt.Sprintf("%.2f", g)
			}
			say("%s| %s | %.1f | %.2f | %.2f to %.2f | %.2f | %s |", ours, describe(name), r.median(s+1, micros), median, least, most, rate, goal)
		}
	}
	if f := b.facts.handshakes; len(f.warm) > 0 {
		say("\n| TLS handshakes with 10,000 names' certificates, beside a bare server with one | |\n|---|--:|")
		say("| from memory, goal 0.90 | %.2f (%.2f to %.2f) |", middle(f.warm), slices.Min(f.warm), slices.Max(f.warm))
		say("| from the row, the first time | %.2f (%.2f to %.2f) |", middle(f.cold), slices.Min(f.cold), slices.Max(f.cold))
		say("| memory for a name | %.1f kB |", middle(f.bytes)/1000)
	}
	if b.facts.start > 0 {
		say("\n| | |\n|---|--:|")
		say("| from the start of the demo to its first answer | %d ms |", b.facts.start.Milliseconds())
		say("| 99 of 100 answers within, at %.0f requests a second | %.2f ms |", b.facts.halfRate, float64(b.facts.p99.Microseconds())/1000)
		say("| memory after all requests over plain http | %.0f MB |", b.facts.memoryMB)
	}
	return t.String()
}

// describe is a server in words.
func describe(name string) string {
	if text := map[string]string{
		floorEcho: "echo, ready bytes", floorParse: "echo, encoding/xml and the address filled in",
		floorSign: "echo, ready bytes signed", floorTLS: "net/http with TLS, ready bytes", nginx: "nginx, a ready file",
	}[name]; text != "" {
		return text
	}
	return name
}

// machine says on what it was measured.
func machine() string {
	model := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the architecture is enough
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	kernel, _ := exec.Command("uname", "-sr").Output()
	return fmt.Sprintf("a processor (%s) for the server and one for the load, %s, %s", model, strings.TrimSpace(string(kernel)), runtime.Version())
}

// drawing has a bar for each ratio by processor time, and the line of the goal.
func (b *bench) drawing() string {
	const row, left, width = 24, 420, 360
	var rows strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&rows, format+"\n", args...) }
	y, top := 46.0, 1.25
	x := func(ratio float64) float64 { return left + width*min(ratio, top)/top }
	for i := range b.results {
		r := &b.results[i]
		for s, name := range r.servers[1:] {
			median, _, _ := r.paired(s+1, byProcessor)
			say(`<text x="%d" y="%.0f" text-anchor="end">%s / %s</text>`, left-8, y+12, escapeText(r.of.name), escapeText(name))
			say(`<rect x="%d" y="%.0f" width="%.1f" height="14" fill="#0a5f3c"/>`, left, y, x(median)-left)
			say(`<text x="%.1f" y="%.0f">%.2f</text>`, x(median)+6, y+12, median)
			if g := r.of.goal[name]; g > 0 {
				say(`<path d="M%.1f %.0fv18" stroke="#b3541e" stroke-width="2"/>`, x(g), y-2)
			}
			y += row
		}
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 %.0f" font-family="sans-serif" font-size="12" fill="#222">`+"\n"+
		`<rect width="840" height="%.0f" fill="#fff"/>`+"\n"+
		`<text x="20" y="24" font-size="14">Processor time of a floor or peer, divided by ours (line: the goal)</text>`+"\n"+
		`<path d="M%.1f 36V%.0f" stroke="#999" stroke-dasharray="3"/>`, y+10, y+10, x(1), y)
	return head + "\n" + rows.String() + "</svg>\n"
}

func escapeText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
