package ldapdir

import (
	"errors"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Whoever walks may ask something meanwhile (whose domain an address is in), and so
// may everybody else, however few connections there are.
func TestWalkLeavesAConnectionToOthers(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	o := reader(t, s, "openldap")
	o.Connections, o.Timeout = 1, 10*time.Second
	d := open(t, o)
	err := d.Walk(t.Context(), func(policy.Account) error {
		_, err := d.Account(t.Context(), settings.MustAddress("nobody@example.com"))
		if errors.Is(err, directory.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
