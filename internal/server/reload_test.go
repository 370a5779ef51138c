package server_test

import (
	"net/http"
	"testing"

	"autoconfig/internal/server/servertest"
)

// A reload gives nobody new guesses, and hides nothing that was counted.
func TestASuccessorKnowsWhatTheOneBeforeDid(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, servertest.ClockThatStands, func(o *servertest.Options) { o.Failures = nil }) // what one process remembers
	ask := map[string]func() *http.Response{
		"links": func() *http.Response { return do(o.Server.Public(false), http.MethodGet, servertest.WrongLink, "") },
		"sign-ins": func() *http.Response {
			return do(o.Server.Staff(), http.MethodPost, o.Staff.URL+"/helpdesk/sign-in", "name=nobody&password=x", "Content-Type", formType)
		},
		"tokens": func() *http.Response {
			return do(o.Server.Staff(), http.MethodGet, o.Staff.URL+"/api/v1/links", "", "Authorization", "Bearer autoconfig_x")
		},
	}
	spend := func() (refused int) {
		for range 20 {
			for what, send := range ask {
				if r := send(); r.StatusCode == http.StatusTooManyRequests {
					refused++
				} else if r.StatusCode < 400 {
					t.Fatalf("%s: %s", what, r.Status)
				}
			}
		}
		return refused
	}
	if refused := spend(); refused != 0 {
		t.Fatalf("%d refused before", refused)
	}
	next, err := o.Server.Reload(o.Server.Options)
	if err != nil {
		t.Fatal(err)
	}
	o.Server = next
	if refused := spend(); refused != 60 {
		t.Errorf("%d refused after", refused)
	}
}
