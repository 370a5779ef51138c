package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// isTerminal tells whether somebody looks on.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// meter shows how far the reading of a file has come: on a terminal as a bar, else
// as a line every now and then.
type meter struct {
	what  string // what is done, with the file's name
	size  int64  // of the file in bytes, 0 if that isn't known
	bytes atomic.Int64
	lines atomic.Int64
}

// How often it is shown.
const (
	onTerminal = 200 * time.Millisecond
	elsewhere  = 10 * time.Second
)

// start shows the meter on standard error until stop is called.
func (c *call) start(m *meter, quiet bool) (stop func()) {
	if quiet {
		return func() {}
	}
	terminal := isTerminal(c.std.err)
	every := elsewhere
	if terminal {
		every = onTerminal
	}
	tick := time.NewTicker(every)
	ended, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		m.run(c.std.err, terminal, time.Now, tick.C, asked)
	}()
	return func() {
		tick.Stop()
		close(asked)
		<-ended
	}
}

func (m *meter) run(out io.Writer, terminal bool, now func() time.Time, tick <-chan time.Time, end <-chan struct{}) {
	began := now()
	for {
		select {
		case <-tick:
			if terminal {
				fmt.Fprint(out, "\r\x1b[K"+m.bar()+m.text(now().Sub(began)))
			} else {
				fmt.Fprintln(out, m.text(now().Sub(began)))
			}
		case <-end:
			if terminal {
				fmt.Fprint(out, "\r\x1b[K")
			}
			return
		}
	}
}

func (m *meter) part() float64 {
	if m.size == 0 {
		return 0
	}
	return min(1, float64(m.bytes.Load())/float64(m.size))
}

func (m *meter) bar() string {
	if m.size == 0 {
		return ""
	}
	const width = 30
	n := int(m.part() * width)
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "] "
}

func (m *meter) text(passed time.Duration) string {
	lines := m.lines.Load()
	text := fmt.Sprintf("%s: %d lines", m.what, lines)
	if m.size > 0 {
		text += fmt.Sprintf(", %.0f %%", 100*m.part())
	}
	if s := passed.Seconds(); s > 0 {
		text += fmt.Sprintf(", %.0f lines/s", float64(lines)/s)
	}
	return text
}

// reading counts the bytes that are read.
func (m *meter) reading(r io.Reader) io.Reader { return metered{r, m} }

type metered struct {
	io.Reader
	m *meter
}

func (r metered) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.m.bytes.Add(int64(n))
	return n, err
}

// progress shows beside what is printed how far a long work has come: on a terminal as
// the last line, else as a line every now and then.
type progress struct {
	out      io.Writer
	terminal bool
	text     func() string

	mu    sync.Mutex // one writes at a time
	began time.Time
}

// showProgress shows it until stop is called. Nothing is shown if it isn't wanted.
func (c *call) showProgress(wanted bool, text func() string) (p *progress, stop func()) {
	p = &progress{out: c.std.err, terminal: isTerminal(c.std.err), text: text, began: time.Now()}
	if !wanted {
		p.terminal = false
		return p, func() {}
	}
	every := elsewhere
	if p.terminal {
		every = onTerminal
	}
	tick := time.NewTicker(every)
	ended, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-tick.C:
				p.show()
			case <-asked:
				return
			}
		}
	}()
	return p, func() {
		tick.Stop()
		close(asked)
		<-ended
		if !p.terminal {
			p.show()
		}
		p.beside(func() {})
	}
}

func (p *progress) show() {
	text := p.text()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s, %s", text, time.Since(p.began).Round(time.Second))
	} else {
		fmt.Fprintf(p.out, "%s, %s\n", text, time.Since(p.began).Round(time.Second))
	}
}

// beside lets something be printed where the line was, which comes again after it.
func (p *progress) beside(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	do()
}
