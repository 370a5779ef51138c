package servertest

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/doctor"
	"autoconfig/internal/links"
	"autoconfig/internal/operator"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// Office is a help desk on real sockets: the staff's pages and the public ones.
type Office struct {
	*World
	Desk   *staff.Desk
	Keeper *links.Keeper
	Staff  *httptest.Server
	Public *httptest.Server
}

// NewOffice is an office whose site is in memory.
func NewOffice(t *testing.T, change ...func(*Options)) *Office {
	t.Helper()
	return Ground{}.Office(t, change...)
}

// Office is the office on a ground.
func (g Ground) Office(t *testing.T, change ...func(*Options)) *Office {
	t.Helper()
	o := &Office{Staff: httptest.NewUnstartedServer(nil), Public: httptest.NewUnstartedServer(nil)}
	o.World = g.World(t, append([]func(*Options){func(options *Options) {
		var err error
		if o.Desk, err = staff.NewDesk(options.Links.Store.(staff.Store), options.Links.Secret, false); err != nil {
			t.Fatal(err)
		}
		options.Desk, options.Now, o.Keeper = o.Desk, nil, options.Links
		options.Site = options.Links.Store.(Site)
		options.Outbox = &post.Outbox{
			Store: options.Links.Store.(post.Store), Secret: options.Links.Secret,
			From:   settings.MustAddress("noreply@example.com"),
			Limits: post.Limits{PerPerson: 60, PerToken: 3600, PerRecipient: 10},
		}
		options.PublicURL = &url.URL{Scheme: "http", Host: o.Public.Listener.Addr().String()}
		options.StaffURL = &url.URL{Scheme: "http", Host: o.Staff.Listener.Addr().String()}
	}}, change...)...)
	o.Staff.Config.Handler, o.Public.Config.Handler = o.Server.Staff(), o.Server.Public(false)
	o.Staff.Start()
	o.Public.Start()
	t.Cleanup(o.Staff.Close)
	t.Cleanup(o.Public.Close)
	return o
}

// Add adds a person with a second factor, which is given.
func (o *Office) Add(t *testing.T, name string, role staff.Role, domains ...string) (password string, second []byte) {
	t.Helper()
	password, p, err := o.Desk.Add(t.Context(), staff.Actor{}, name, role, domains)
	if err != nil {
		t.Fatal(err)
	}
	second = staff.NewTOTPKey()
	// Enrolled a while ago, so that the code of now is not used up; by a desk of its own, since
	// others may sign in meanwhile.
	earlier, err := staff.NewDesk(o.Desk.Store, o.Keeper.Secret, false)
	if err != nil {
		t.Fatal(err)
	}
	earlier.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	_, _, err = earlier.Enrol(t.Context(), p, second, staff.Code(second, earlier.Now()))
	if err != nil {
		t.Fatal(err)
	}
	return password, second
}

// Visitor is a browser without a screen: it keeps cookies and follows nothing.
type Visitor struct {
	Client *http.Client
	// Base is the URL of the listener.
	Base string
	t    *testing.T
}

// Visitor is somebody who has not signed in.
func (o *Office) Visitor(t *testing.T) *Visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Visitor{t: t, Base: o.Staff.URL, Client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// SignedIn is a visitor who has signed in.
func (o *Office) SignedIn(t *testing.T, name string, role staff.Role, domains ...string) *Visitor {
	t.Helper()
	password, second := o.Add(t, name, role, domains...)
	v := o.Visitor(t)
	if r, _ := v.SignsIn(name, password, staff.Code(second, time.Now())); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in of %s: %s", name, r.Status)
	}
	return v
}

// SignsIn takes both steps of a sign-in, and gives the answer to the second; that to the
// first where it leads nowhere.
func (v *Visitor) SignsIn(name, password, code string) (*http.Response, string) {
	v.t.Helper()
	r, body := v.Post("/helpdesk/sign-in", url.Values{"name": {name}, "password": {password}})
	if r.Header.Get("Location") != "/helpdesk/code" {
		return r, body
	}
	return v.Post("/helpdesk/code", url.Values{"code": {code}})
}

// Do sends a request with the cookies that are kept.
func (v *Visitor) Do(method, path string, form url.Values, header ...string) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.Base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", FormType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answer, err := v.Client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	body := Text(answer)
	_ = answer.Body.Close()
	return answer, body
}

// Get asks for a page.
func (v *Visitor) Get(path string) (*http.Response, string) { return v.Do(http.MethodGet, path, nil) }

// Post sends a form.
func (v *Visitor) Post(path string, form url.Values) (*http.Response, string) {
	return v.Do(http.MethodPost, path, form)
}

// Makes makes a link, and gives its URL and identity.
func (v *Visitor) Makes(address string) (link, id string) {
	v.t.Helper()
	r, body := v.Post("/helpdesk/links", url.Values{
		"address": {address}, "hours": {"24"}, "uses": {"1"},
		"language": {"en"}, "note": {"ticket <7>"},
	})
	found := regexp.MustCompile(`id="url">([^<]+)<(?s:.*)/helpdesk/links/([0-9a-v]+)"`).FindStringSubmatch(body)
	if r.StatusCode != http.StatusOK || found == nil {
		v.t.Fatalf("no link: %s\n%s", r.Status, body)
	}
	return found[1], found[2]
}

// Entries are the actions in the audit log, latest first.
func (o *Office) Entries(t *testing.T) []string {
	t.Helper()
	list, err := o.Desk.Store.Entries(t.Context(), staff.EntryFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range list {
		actions = append(actions, e.Actor+": "+e.Action)
	}
	return actions
}

// NewCheckedOffice has the result of a check of each of two domains.
func NewCheckedOffice(t *testing.T) *Office {
	o := NewOffice(t, func(options *Options) { options.Checks = options.Links.Store.(operator.Checks) })
	for _, name := range []string{"example.com", "pop.example"} {
		r := doctor.Result{
			Report: doctor.Report{
				Domain:   name,
				Findings: []doctor.Finding{{Code: doctor.HostMissing, Severity: doctor.Error}},
			}, CheckedAt: time.Unix(1e9, 0),
			DueAt: time.Unix(2e9, 0),
		}
		if err := o.Store.PutCheck(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return o
}
