package policy_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"autoconfig/policy/policytest"
)

func TestAllTermsAreThoseOfEach(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		all := site.AllTerms()
		for _, d := range site.Domains {
			if want, ok := site.Terms(d.Name); !ok || !reflect.DeepEqual(all[d.Name], want) {
				t.Fatalf("%s: %+v, want %+v", d.Name, all[d.Name], want)
			}
		}
		if len(all) != len(site.Domains) {
			t.Fatalf("%d terms for %d domains", len(all), len(site.Domains))
		}
	})
}
