package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"autoconfig/internal/doctor"
)

// reports prints what checks found: of domains that were named in their order, of all
// domains as they end. It keeps none that is printed.
type reports struct {
	call *call
	cmd  *checkCmd
	site bool // there is a site, which a domain may be in

	progress *progress

	mu      sync.Mutex
	places  int
	next    int                     // the place that is printed next
	waiting map[int]doctor.Report   // for those before them
	states  map[doctor.Severity]int // how many domains
	failed  int
	err     error // of printing
}

// place is that of a domain in the order in which they are named.
func (r *reports) place() int {
	r.places++
	return r.places - 1
}

// put prints a domain's report, or why there is none.
func (r *reports) put(place int, name string, report doctor.Report, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.beside(func() {
		if err != nil {
			r.failed++
			fmt.Fprintf(r.call.std.err, "autoconfig: %s was not checked: %v\n", name, err)
		}
		if r.cmd.All {
			r.print(report)
			return
		}
		if r.waiting == nil {
			r.waiting = map[int]doctor.Report{}
		}
		r.waiting[place] = report
		for report, ready := r.waiting[r.next]; ready; report, ready = r.waiting[r.next] {
			r.print(report)
			delete(r.waiting, r.next)
			r.next++
		}
	})
}

// print prints a report; one of no domain is none.
func (r *reports) print(report doctor.Report) {
	if report.Domain == "" {
		return
	}
	if r.states == nil {
		r.states = map[doctor.Severity]int{}
	}
	first := r.checked() == 0
	r.states[report.Worst()]++
	var err error
	switch c := r.call; {
	case r.cmd.JSON:
		err = c.jsonLine(report)
	case r.cmd.All:
		c.printf("%-30s  %-7s  %s\n", report.Domain, report.State(), codesOf(report))
	default:
		if !first {
			c.printf("\n")
		}
		printReport(c, report, r.site)
	}
	r.err = errors.Join(r.err, err)
}

func (r *reports) checked() int {
	all := 0
	for _, n := range r.states {
		all += n
	}
	return all
}

// text says how far it has come.
func (r *reports) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary()
}

func (r *reports) summary() string {
	text := fmt.Sprintf("%d domains checked", r.checked())
	if r.checked() == 1 {
		text = "1 domain checked"
	}
	for _, s := range []doctor.Severity{doctor.Error, doctor.Warning} {
		if n := r.states[s]; n > 0 {
			text += fmt.Sprintf(", %d with %ss", n, s)
		}
	}
	if r.failed > 0 {
		text += fmt.Sprintf(", %d not", r.failed)
	}
	return text
}

// end prints what still waits, and says how it ended.
func (r *reports) end(broken error) error {
	for place := r.next; place < r.places; place++ {
		r.print(r.waiting[place])
	}
	switch {
	case r.err != nil:
		return r.err
	case r.call.Err() != nil:
		return fmt.Errorf("%w: %s", errInterrupted, r.summary())
	case broken != nil:
		return fmt.Errorf("%w: %s", broken, r.summary())
	case r.failed > 0:
		return errors.New(r.summary())
	case r.states[doctor.Error]+r.states[doctor.Warning] > 0:
		return errFinding
	}
	return nil
}

// codesOf are a report's codes, worst first, with how often each is there.
func codesOf(r doctor.Report) string {
	var words []string
	times := map[doctor.Code]int{}
	for _, f := range r.Findings {
		times[f.Code]++
	}
	for _, f := range r.Findings {
		switch n := times[f.Code]; {
		case n == 1:
			words = append(words, string(f.Code))
		case n > 1:
			words = append(words, fmt.Sprintf("%s (%d)", f.Code, n))
		}
		delete(times, f.Code)
	}
	return strings.Join(words, ", ")
}

func printReport(c *call, r doctor.Report, site bool) {
	how := "held against its policy"
	switch {
	case !site:
		how = "no configuration here: held against itself"
	case !r.Served:
		how = "not in the site: held against itself"
	}
	c.printf("%s (%s)\n", r.Domain, how)
	if len(r.Findings) == 0 {
		c.printf("  nothing is wrong\n")
	}
	for _, f := range r.Findings {
		c.printf("  %-7s  %s  %s\n", f.Severity, f.Code, f.Subject)
		for _, row := range [][2]string{{"seen", f.Seen}, {"expected", f.Expected}, {"remedy", f.Remedy}} {
			if row[1] != "" {
				c.printf("           %-9s %s\n", row[0]+":", row[1])
			}
		}
		for _, record := range f.Records {
			c.printf("           %s\n", record)
		}
	}
}
