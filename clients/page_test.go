package clients

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"autoconfig/settings"
)

var update = flag.Bool("update", false, "write what the pages say of programs anew")

// The pages' parts between <!-- clients:NAME --> and <!-- clients --> are written
// from the table: go test ./clients -update
func TestPagesSayWhatTheTableSays(t *testing.T) {
	t.Parallel()
	part := regexp.MustCompile(`(?s)(<!-- clients:(\w+) -->\n).*?(<!-- clients -->)`)
	for file, parts := range map[string]map[string]func() string{
		"../README.md":       {"short": shortTable},
		"../docs/clients.md": {"glance": glanceTable, "each": eachProgram},
	} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		page := part.ReplaceAllStringFunc(string(raw), func(text string) string {
			found := part.FindStringSubmatch(text)
			seen = append(seen, found[2])
			return found[1] + parts[found[2]]() + found[3]
		})
		if len(seen) != len(parts) {
			t.Errorf("%s has the parts %v, not all %d", file, seen, len(parts))
		}
		if *update {
			if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if page != string(raw) {
			t.Errorf("%s isn't what the table says: go test ./clients -update", file)
		}
	}
}

// row are cells that several programs may share.
type row struct{ names, cells string }

// rows are lines of a table, where programs with the same cells share one.
func rows(cells func(Client) []string) string {
	var all []row
	for _, c := range table {
		text := strings.Join(cells(c), " | ")
		i := slices.IndexFunc(all, func(r row) bool { return r.cells == text })
		if i < 0 {
			all = append(all, row{c.Name, text})
		} else {
			all[i].names += ", " + c.Name
		}
	}
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "| %s | %s |\n", r.names, r.cells)
	}
	return b.String()
}

func shortTable() string {
	return "| Program | Asks | Gets | By itself |\n|---|---|---|---|\n" +
		rows(func(c Client) []string { return []string{c.asksInWords(), c.getsInWords(), c.byItselfInWords()} })
}

func (c Client) asksInWords() string {
	var formats []string
	for _, p := range c.Lookup.Places {
		format := ""
		switch text := string(p); {
		case strings.HasSuffix(text, "config-v1.1.xml"):
			format = "autoconfig"
		case strings.HasSuffix(text, "autodiscover.xml"):
			format = "Autodiscover"
		case p == IMAPSRV:
			format = "SRV records"
		}
		if format != "" && !slices.Contains(formats, format) {
			formats = append(formats, format)
		}
	}
	switch asks := strings.Join(formats, ", then "); {
	case c.Profile.Has:
		return "nothing: the person opens a profile"
	case c.Lookup.Sends == Nothing && slices.Contains(c.Lookup.Places, Cloud):
		return "its maker's cloud, not you"
	case c.Lookup.Sends == Nothing:
		return "nothing"
	case c.Lookup.Sends == NoAddress:
		return asks + " without an address"
	default:
		return asks + " with " + string(c.Lookup.Sends)
	}
}

func (c Client) getsInWords() string {
	gets := "what the person types"
	switch {
	case c.Profile.Has:
		gets = "the account's settings, and asks for the password"
	case c.Lookup.Sends == NoAddress:
		gets = "the domain's default"
	case c.Lookup.SRVFirst:
		gets = "the domain's default by SRV, else the account's settings"
	case c.Lookup.Sends != Nothing:
		gets = "the account's settings"
	}
	if c.Retention.Has {
		gets += ", with POP3 also how long mail stays on the server"
	}
	if c.QRCode.Has {
		gets += "; any account by a QR code"
	}
	return gets
}

func (c Client) byItselfInWords() string {
	var can []string
	for _, p := range []settings.Protocol{settings.IMAP, settings.POP3} {
		if how := c.Ability(p).How; how == ByItself || how == ByProfile {
			can = append(can, upper(p))
		}
	}
	switch {
	case len(can) == 0 && c.POP3.How == Never:
		return "no; no POP3 at all"
	case len(can) == 0:
		return "no"
	}
	text := strings.Join(can, ", ")
	if c.Lookup.Sends == NoAddress {
		text += " (the default)"
	}
	if c.POP3.How == Never {
		text += "; no POP3 at all"
	}
	return text
}

func glanceTable() string {
	yes := func(t Trait) string {
		if t.Has {
			return "yes"
		}
		return "no"
	}
	var b strings.Builder
	b.WriteString("| Program | Runs on | Sends | IMAP | POP3 | Profile | QR code | Heeds retention | `simulate` |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range table {
		var devices []string
		for _, d := range c.Devices {
			devices = append(devices, string(d))
		}
		word := "`" + c.Simulation + "`"
		if c.Simulation == "" {
			word = ""
		}
		cells := []string{c.Name, strings.Join(devices, ", "), string(c.Lookup.Sends), string(c.IMAP.How), string(c.POP3.How), yes(c.Profile), yes(c.QRCode), yes(c.Retention), word}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

func eachProgram() string {
	var b strings.Builder
	for _, c := range table {
		fmt.Fprintf(&b, "\n### %s\n\nLooks, in this order, at:\n\n", c.Name)
		for i, p := range c.Lookup.Places {
			text := string(p)
			if strings.HasPrefix(text, "http") || strings.HasPrefix(text, "SRV") || p == MailExchanger {
				text = "`" + text + "`"
			}
			fmt.Fprintf(&b, "%d. %s\n", i+1, text)
		}
		b.WriteString("\nPasses over:\n\n")
		for _, r := range c.Ignores {
			fmt.Fprintf(&b, "* %s (%s)\n", r.Text, r.Source.Sure)
		}
		b.WriteString("\n| Fact | How sure | From |\n|---|---|---|\n")
		for _, f := range c.facts() {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f.what, f.source.Sure, f.source.At)
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// fact are facts that stand on the same source.
type fact struct {
	what   string
	source Source
}

func (c Client) facts() []fact {
	var all []fact
	add := func(what string, s Source) {
		i := slices.IndexFunc(all, func(f fact) bool { return f.source == s })
		switch {
		case i < 0:
			all = append(all, fact{what, s})
		case !strings.Contains(", "+all[i].what+", ", ", "+what+", "):
			all[i].what += ", " + what
		}
	}
	add("where it looks and what it sends", c.Lookup.Source)
	add("IMAP", c.IMAP.Source)
	add("POP3", c.POP3.Source)
	add("profile", c.Profile.Source)
	add("QR code", c.QRCode.Source)
	add("retention", c.Retention.Source)
	for _, r := range c.Ignores {
		add("what it passes over", r.Source)
	}
	return all
}

// The help desk's page tells people what to do with the programs that pages show.
func TestTheHelpDesksPageNamesThePrograms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/helpdesk.md")
	if err != nil {
		t.Fatal(err)
	}
	names := Names(func(c Client) bool { return c.Shown && SendsNoAddress(c) })
	if !strings.Contains(string(page), "| "+names+" |") {
		t.Errorf("docs/helpdesk.md has no row %s", names)
	}
}

// A program has one name, in texts and on pages too.
func TestProgramsHaveOneName(t *testing.T) {
	t.Parallel()
	wrong := regexp.MustCompile(`\bK9\b|K-9(?: mail)?(?:[^ \w]| [^M])|Thunderbird Android|Thunderbird-Android|(?:^|[^.\w])DeltaChat\b|Delta chat|\bFair[ -]Email|\bFairemail|\bEMClient|\bEm Client|Nextcloud's mail|Nextcloud mail`)
	var files []string
	for _, pattern := range []string{"../README.md", "../docs/*.md", "../templates/messages/*.json", "../*/*.go", "../internal/*/*.go", "../internal/*/*/*.go", "../cmd/*/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if filepath.Base(file) == "page_test.go" {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(raw)) {
			n++
			if found := wrong.FindString(line); found != "" {
				t.Errorf("%s:%d: %q isn't a program's name in the table", file, n, found)
			}
		}
	}
}

// What comments cite of docs/ is there: the page, and the heading in quotes.
func TestCommentsCiteWhatIsThere(t *testing.T) {
	t.Parallel()
	lost := regexp.MustCompile(`//.*\breference\s(?://\s)?(?:[A-I]\.\d|clients\.md|protocols\.md)`)
	cited := regexp.MustCompile(`docs/([a-z]+\.md)(?:,\s+(?://\s+)?"([^"]+)")?`)
	for _, pattern := range []string{"../*/*.go", "../internal/*/*.go", "../internal/*/*/*.go", "../cmd/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if lost.Match(raw) {
				t.Errorf("%s cites a document that isn't in the repository", file)
			}
			for _, found := range cited.FindAllStringSubmatch(string(raw), -1) {
				page, err := os.ReadFile("../docs/" + found[1])
				if err != nil || found[2] != "" && !strings.Contains(string(page), "# "+found[2]+"\n") {
					t.Errorf("%s cites %s, which isn't there", file, found[0])
				}
			}
		}
	}
}
