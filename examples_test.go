package autoconfig_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// metricsInCode are the metrics that the code makes.
func metricsInCode(t *testing.T) map[string]bool {
	t.Helper()
	name := regexp.MustCompile(`"(autoconfig_[a-z_]+)"`)
	made := map[string]bool{}
	read := func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, found := range name.FindAllStringSubmatch(string(text), -1) {
			made[found[1]] = true
		}
		return err
	}
	if err := errors.Join(filepath.WalkDir("internal", read), filepath.WalkDir("cmd", read)); err != nil || len(made) < 10 {
		t.Fatal(len(made), err)
	}
	return made
}

// What the dashboard and the alerts ask for is there.
func TestExamplesAskForMetricsThatAreThere(t *testing.T) {
	t.Parallel()
	made := metricsInCode(t)
	used := regexp.MustCompile(`autoconfig_[a-z_]+`)
	for _, file := range []string{"examples/prometheus/alerts.yaml", "examples/prometheus/alerts_test.yaml", "examples/grafana/autoconfig.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all := used.FindAllString(string(text), -1)
		if len(all) < 5 {
			t.Errorf("%s has %d metrics", file, len(all))
		}
		for _, name := range all {
			if !made[name] && !made[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s asks for %s, which nothing makes", file, name)
			}
		}
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile("examples/grafana/autoconfig.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range board.Panels {
		if seen[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		seen[p.ID] = true
	}
}

// The real Prometheus's tool reads the rules and runs their tests, and reads the
// dashboard's questions as rules.
func TestPrometheusReadsTheAlerts(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "promtool")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("promtool", args...)
		cmd.Dir = "examples/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("check", "rules", "alerts.yaml")
	run("test", "rules", "alerts_test.yaml")
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	text, err := os.ReadFile("examples/grafana/autoconfig.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: board\n    rules:\n")
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			expr, err := json.Marshal(strings.ReplaceAll(target.Expr, "$instance", ".*"))
			if err != nil {
				t.Fatal(err)
			}
			rules.WriteString("      - {record: x, expr: " + string(expr) + "}\n")
		}
	}
	file := filepath.Join(t.TempDir(), "board.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run("check", "rules", "--lint=none", file)
}
