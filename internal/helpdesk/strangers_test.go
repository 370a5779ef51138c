package helpdesk_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// Whoever has many addresses writes no more to the audit log than a few entries, of
// which the next one counts those that were left out.
func TestStrangersOfManyAddressesInTheAuditLog(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var ahead time.Duration
	o := servertest.NewOffice(t, func(o *servertest.Options) {
		o.Desk.Now = func() time.Time { return start.Add(ahead) }
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	handler := o.Server.Staff()
	try := func(i int) {
		r := servertest.Do(handler, http.MethodPost, o.Staff.URL+"/helpdesk/sign-in", "name=nobody&password=x", "Content-Type", servertest.FormType, "X-Forwarded-For", fmt.Sprintf("2001:db8:%x::1", i))
		if r.StatusCode != http.StatusUnauthorized {
			t.Fatal(r.Status)
		}
	}
	for i := range 130 {
		try(i)
	}
	if n := len(o.Entries(t)); n != 100 {
		t.Errorf("%d entries", n)
	}
	ahead = time.Minute
	try(1000)
	list, err := o.Desk.Store.Entries(t.Context(), staff.EntryFilter{Limit: 1})
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Detail, "30 more before it are left out") {
		t.Errorf("%+v %v", list, err)
	}
}
