package migrate

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"reflect"

	"autoconfig/policy"
)

// ExportAccounts writes the accounts of a domain, or all if it is "", in a form that an import
// reads back, and returns their number.
func ExportAccounts(ctx context.Context, from Reader, domain string, format Format, to io.Writer) (int, error) {
	w, err := newWriter(format, to, accountColumns)
	if err != nil {
		return 0, err
	}
	all := 0
	for account, err := range from.AllAccounts(ctx, domain) {
		if err != nil {
			return all, err
		}
		if err := w.write(&account); err != nil {
			return all, err
		}
		all++
	}
	return all, w.flush()
}

// ExportDomains writes domains. lost counts those that have more than a CSV can express: servers,
// services or rules of their own.
func ExportDomains(domains iter.Seq2[policy.Domain, error], format Format, to io.Writer) (lost int, err error) {
	w, err := newWriter(format, to, domainColumns)
	if err != nil {
		return 0, err
	}
	for d, err := range domains {
		if err != nil {
			return lost, err
		}
		carried := policy.Domain{Name: d.Name, Aliases: d.Aliases, Plan: d.Plan, Offer: policy.Offer{Provider: d.Provider}}
		if format == CSV && !reflect.DeepEqual(carried, d) {
			lost++
		}
		if err := w.write(&d); err != nil {
			return lost, err
		}
	}
	return lost, w.flush()
}

// writer writes items, one a line.
type writer[T any] struct {
	columns []column[T]
	out     *bufio.Writer
	csv     *csv.Writer   // or
	json    *json.Encoder // for lines
}

func newWriter[T any](format Format, to io.Writer, columns []column[T]) (*writer[T], error) {
	w := &writer[T]{columns: columns, out: bufio.NewWriterSize(to, 1<<16)}
	switch format {
	case JSONL:
		w.json = json.NewEncoder(w.out)
		w.json.SetEscapeHTML(false)
		return w, nil
	case CSV:
		w.csv = csv.NewWriter(w.out)
		var names []string
		for _, c := range columns {
			if c.name != "" {
				names = append(names, c.name)
			}
		}
		return w, w.csv.Write(names)
	}
	return nil, fmt.Errorf("%q is not a format: use csv or jsonl", format)
}

func (w *writer[T]) write(item *T) error {
	if w.json != nil {
		return w.json.Encode(item)
	}
	var cells []string
	for _, c := range w.columns {
		if c.name != "" {
			cells = append(cells, c.text(item))
		}
	}
	return w.csv.Write(cells)
}

func (w *writer[T]) flush() error {
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return w.out.Flush()
}
