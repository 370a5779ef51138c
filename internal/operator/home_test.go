package operator_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/operator"
	"autoconfig/internal/server/servertest"
)

// The private listener's first page leads to all that is there, and says what is wrong.
func TestTheFirstPageLeadsToAllThatIsThere(t *testing.T) {
	t.Parallel()
	first := servertest.NewWorld(t)
	w := servertest.NewWorld(t, func(o *servertest.Options) { o.Checks = first.Store })
	if err := w.Directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	private := w.Server.Private()
	r := servertest.Do(private, http.MethodGet, "http://localhost/", "")
	page := servertest.Text(r)
	if r.StatusCode != http.StatusOK || !strings.Contains(page, `<span class="state good">ready</span>`) {
		t.Fatalf("%s\n%s", r.Status, page)
	}
	links := regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(page, -1)
	seen := map[string]bool{}
	for _, link := range links {
		seen[link[1]] = true
		if r := servertest.Do(private, http.MethodGet, "http://localhost"+link[1], ""); r.StatusCode >= http.StatusBadRequest {
			t.Errorf("%s: %s", link[1], r.Status)
		}
	}
	for _, path := range []string{"/checks", "/readyz", "/healthz", "/metrics"} {
		if !seen[path] {
			t.Errorf("there is no link to %s", path)
		}
	}
	if !strings.Contains(page, `href="http://127.0.0.1/helpdesk/"`) { // it has a listener of its own here
		t.Error("there is no link to the help desk")
	}
	problems := &operator.Problems{Logger: slog.New(slog.DiscardHandler)}
	problems.Set(operator.Seen{Problems: []operator.Problem{{Code: operator.ConnectionsUnaccepted, Severity: operator.Error, What: "a <thing> is wrong", Remedy: "mend it"}}})
	w = servertest.NewWorld(t, func(o *servertest.Options) { o.Problems = problems })
	if err := w.Directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	page = servertest.Text(servertest.Do(w.Server.Private(), http.MethodGet, "http://localhost/", ""))
	for _, want := range []string{`class="state error">degraded`, "a &lt;thing&gt; is wrong", "mend it"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, `href="/checks"`) {
		t.Error("it leads to checks that aren't there")
	}
	if r := servertest.Do(private, http.MethodGet, "http://strange.example/", ""); r.StatusCode != http.StatusForbidden {
		t.Errorf("by a strange name: %s", r.Status)
	}
}
