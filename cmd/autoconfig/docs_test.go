package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// block is a fenced block of a page.
type block struct {
	kind, text string
	line       int
}

func blocks(t *testing.T, file string) []block {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	open := false
	n := 0
	for line := range strings.Lines(string(page)) {
		n++
		kind, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && !open:
			all, open = append(all, block{kind: kind, line: n}), true
		case fence:
			open = false
		case open:
			all[len(all)-1].text += line
		}
	}
	return all
}

func pages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	return append(files, "../../README.md")
}

// What the pages show in console blocks is typed, in order and in one empty folder
// for each page, and what they show of the answers is seen. "..." stands for any
// lines.
func TestExamplesInTheDocs(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	for _, file := range pages(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			demo := serve(t, t.TempDir(), "--demo")
			here := strings.NewReplacer("127.0.0.1:8080", demo.public, "127.0.0.1:8081", demo.private)
			folder := t.TempDir()
			for _, b := range blocks(t, file) {
				if b.kind != "console" {
					continue
				}
				for _, step := range strings.Split("\n"+here.Replace(b.text), "\n$ ")[1:] {
					typed, want, _ := strings.Cut(strings.TrimSuffix(step, "\n")+"\n", "\n")
					if seen := shell(t, folder, typed); !shows(seen, want) {
						t.Errorf("%s:%d: %s\nshows\n%s\nwant\n%s", file, b.line, typed, seen, want)
					}
				}
			}
		})
	}
}

// shows tells whether what was seen is as the page has it.
func shows(seen, want string) bool {
	pattern := regexp.QuoteMeta(want)
	if seen != "" && !strings.HasSuffix(seen, "\n") {
		seen += "\n" // a page can't show that it is missing
	}
	pattern = strings.ReplaceAll(pattern, `\.\.\.`+"\n", `(?:.*\n)*?`)
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(seen)
}

// What the pages show in yaml blocks is a configuration that is taken.
func TestConfigurationsInTheDocs(t *testing.T) {
	t.Parallel()
	found := 0
	for _, file := range pages(t) {
		for _, b := range blocks(t, file) {
			if b.kind != "yaml" {
				continue
			}
			found++
			var err error
			if strings.Contains(b.text, "public_url:") {
				_, err = config.ReadProcess("autoconfig.yaml", []byte(b.text), func(string) (string, bool) { return "", false })
			} else {
				_, _, err = config.ReadSite("site.yaml", []byte(b.text))
			}
			if err != nil {
				t.Errorf("%s:%d: %v", file, b.line, err)
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d configurations", found)
	}
}

// Every link from page to page leads somewhere, to a heading as well.
func TestLinksInTheDocs(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^):#]*)(?:#([^)]+))?\)`)
	toHeadings := 0
	for _, file := range pages(t) {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(page), -1) {
			target, heading := file, found[2]
			if found[1] != "" {
				target = filepath.Join(filepath.Dir(file), found[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
			} else if heading != "" {
				toHeadings++
				if !slices.Contains(headings(t, target), heading) {
					t.Errorf("%s: %s has no heading #%s", file, target, heading)
				}
			}
		}
	}
	if toHeadings < 20 {
		t.Errorf("only %d links to headings", toHeadings)
	}
}

// headings are the names by which GitHub links to a page's headings.
func headings(t *testing.T, file string) []string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(page), -1) {
		name := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(found[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
