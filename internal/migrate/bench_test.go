package migrate

import (
	"bufio"
	"fmt"
	"io"
	"testing"

	"autoconfig/policy"
)

// generated writes a CSV of accounts without ever holding it.
func generated(accounts int) io.Reader {
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriter(w)
		fmt.Fprintln(out, "address,name,devices,quota,groups,addresses")
		for i := range accounts {
			fmt.Fprintf(out, "user%d@example.com,User Number %d,one,%dMB,staff hall,alias%d@example.com\n", i, i, i%900+1, i)
		}
		w.CloseWithError(out.Flush())
	}()
	return r
}

// BenchmarkJudge is what reading and judging costs beside the store: lines/s.
func BenchmarkJudge(b *testing.B) {
	store := &fake{demo(), map[string]policy.Account{}, map[string]string{}, 0}
	i := AccountImport{Format: CSV}
	counts, err := i.Judge(b.Context(), store, generated(b.N))
	if err != nil || counts.Added != b.N {
		b.Fatal(counts, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
