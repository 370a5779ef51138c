package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
)

// Domains that only a source lists stand among the others, in pages, with their source
// and their aliases; a token sees its own.
func TestDomainsOfSourcesAreListed(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	var names []directory.SourceName
	for _, name := range []string{"aaa.example", "middle.example", "zzz.example"} {
		names = append(names, directory.SourceName{Name: name, Domain: directory.SourceDomain{Name: name, Plan: "standard"}})
	}
	names = append(names, directory.SourceName{Name: "alias.example", Domain: directory.SourceDomain{Name: "middle.example", Plan: "standard"}})
	if err := o.Store.PutNames(t.Context(), "panel", []string{"panel"}, names); err != nil {
		t.Fatal(err)
	}
	all := servertest.NewProgram(t, o, []string{"*"}, "domains:read")
	var got, sorted []string
	for path := "/domains?limit=2"; path != ""; {
		status, object := all.Ask("GET", path, nil)
		if status != http.StatusOK {
			t.Fatal(status, object)
		}
		list := object["domains"].([]any)
		if len(list) > 2 {
			t.Errorf("%d on a page of 2", len(list))
		}
		for _, one := range list {
			d := one.(map[string]any)
			got = append(got, fmt.Sprint(d["name"], " ", d["source"], " ", d["aliases"]))
			sorted = append(sorted, fmt.Sprint(d["name"]))
		}
		path = ""
		if after, more := object["after"]; more {
			path = "/domains?limit=2&after=" + fmt.Sprint(after)
		}
	}
	for _, want := range []string{"aaa.example panel <nil>", "middle.example panel [alias.example]", "zzz.example panel <nil>", "example.com <nil> [example.net]"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	if !slices.IsSorted(sorted) || len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
		t.Errorf("%q", sorted)
	}
	one := servertest.NewProgram(t, o, []string{"zzz.example"}, "domains:read")
	if status, object := one.Ask("GET", "/domains", nil); status != http.StatusOK || len(object["domains"].([]any)) != 1 {
		t.Errorf("%d %v", status, object)
	}
}
