package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/helpdesk"
	"autoconfig/internal/operator"
	"autoconfig/internal/server"
	"autoconfig/internal/server/servertest"
)

// endless is a body that doesn't end, and counts what is read of it.
type endless struct {
	start string
	read  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.start)
	e.start = e.start[n:]
	for i := n; i < len(p); i++ {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

// shapes are what bodies may look like, by media type.
var shapes = map[string]string{
	"multipart/form-data; boundary=x":   "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n",
	"application/x-www-form-urlencoded": "lang=en&address=",
	"application/json":                  `{"address": "`,
}

// stranger is a way to ask that is refused, or not.
type stranger struct{ name, host, header, value string }

var strangers = []stranger{
	{name: "plain", host: "127.0.0.1"},
	{name: "another host", host: "other.example"},
	{"another origin", "127.0.0.1", "Origin", "https://evil.example"},
	{"another site", "127.0.0.1", "Sec-Fetch-Site", "cross-site"},
}

// The body of no request to no route is read without bound, or put into a file,
// whatever is wrong with the request.
func TestBodiesAreBoundedOnAllRoutes(t *testing.T) {
	t.Parallel()
	if os.Getenv("BODIES_CHILD") == "" { // a process of its own, for a folder of temporary files of its own
		folder := t.TempDir()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBodiesAreBoundedOnAllRoutes$", "-test.v") // this test
		child.Env = append(os.Environ(), "BODIES_CHILD=1", "TMPDIR="+folder)
		if output, err := child.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS") {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
	o := servertest.NewOffice(t, func(options *servertest.Options) {
		options.OIDC = &helpdesk.OIDC{Issuer: "http://127.0.0.1:1", ClientID: "x", RoleClaim: "groups"}
		options.Checks = options.Links.Store.(operator.Checks)
	})
	asked := 0
	for name, handler := range map[string]http.Handler{"public": o.Server.Public(false), "plain": o.Server.Public(true), "private": o.Server.Private(), "staff": o.Server.Staff()} {
		for path := range pathsOf(handler) {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, "PROPFIND"} {
				for kind, start := range shapes {
					for _, who := range strangers {
						for _, length := range []int64{-1, 300 << 20} {
							asked++
							body := &endless{start: start}
							if problem := askWith(handler, method, path, kind, who, length, body); problem != "" {
								t.Errorf("%s %s %s, %s, %s, length %d: %s", name, method, path, kind, who.name, length, problem)
							}
						}
					}
				}
			}
		}
	}
	if files, err := filepath.Glob(filepath.Join(os.TempDir(), "multipart-*")); err != nil || len(files) > 0 {
		t.Errorf("%d files are left: %v", len(files), err)
	}
	if asked < 5_000 {
		t.Errorf("only %d requests: where are the routes?", asked)
	}
}

func askWith(handler http.Handler, method, path, kind string, who stranger, length int64, body *endless) (problem string) {
	r := httptest.NewRequest(method, path, io.NopCloser(body))
	r.Host, r.ContentLength = who.host, length
	r.Header.Set("Content-Type", kind)
	if who.header != "" {
		r.Header.Set(who.header, who.value)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	switch {
	case body.read > 65<<10:
		return "too much was read of it"
	case answer.Header().Get("Connection") != "close":
		return "the connection is kept"
	case answer.Code == http.StatusInternalServerError:
		return "500"
	}
	return ""
}

var parameter = regexp.MustCompile(`:\w+|\*`)

// pathsOf are paths that lead to all routes, and some that lead to none.
func pathsOf(handler http.Handler) map[string]bool {
	paths := map[string]bool{"/nowhere": true, "/helpdesk/nowhere": true, "/api/v1/nowhere": true, "//": true, "/assets/": true}
	for _, route := range server.RoutesOf(handler) {
		paths[parameter.ReplaceAllString(route.Path, "x")] = true
	}
	delete(paths, "")
	return paths
}
