package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// welcomeSite is a site whose messages wait, since no service runs, and a list of new
// mailboxes with three lines that are wrong.
func welcomeSite(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	writeFile(t, folder, "site.yaml", doorsSite)
	writeFile(t, folder, "autoconfig.yaml", `public_url: https://setup.example.com
database: sqlite:autoconfig.db
smtp: {host: 127.0.0.1, port: 1, security: none, from: noreply@example.com}
`)
	writeFile(t, folder, "list.csv", `address,to,language
# the new ones
office@example.com,eva@home.test,de
workshop@example.com,otto@home.test,
nobody,paul@home.test,
kiosk@example.com,,
x@nowhere.example,rosa@home.test,
third@example.com,zoe@home.test,fr
`)
	shell(t, folder, "autoconfig apply site.yaml")
	return folder
}

// queued are the recipients of the messages that wait, with their languages.
func queued(t *testing.T, folder string) map[string]string {
	t.Helper()
	said := shell(t, folder, "autoconfig message list --json")
	var list []struct{ To, Language, Link string }
	if err := json.Unmarshal([]byte(said), &list); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	all := map[string]string{}
	for _, m := range list {
		if all[m.To] != "" || m.Link == "" {
			t.Errorf("twice, or without a link: %+v", m)
		}
		all[m.To] = m.Language
	}
	return all
}

// A list of new mailboxes is tried first, and nothing is sent; then each gets one message,
// lines that are wrong are named, and a second run sends only what is missing.
func TestAListIsWelcomed(t *testing.T) {
	t.Parallel()
	folder := welcomeSite(t)
	const typed = "autoconfig welcome --file list.csv --language en; echo $?"
	const wrong = "line 5: not a mail address"
	refused := []string{
		wrong, "line 6: the message needs a recipient", "line 7: the domain nowhere.example is not served here",
		"mailboxes were welcomed before, 3 lines are refused\n1\n",
	}
	says := func(said string, want ...string) {
		t.Helper()
		for _, part := range want {
			if !strings.Contains(said, part) {
				t.Errorf("%q is not in\n%s", part, said)
			}
		}
	}
	says(shell(t, folder, strings.Replace(typed, ";", " --dry-run;", 1)), append(refused, "3 messages would be sent, 0 ")...)
	if got := queued(t, folder); len(got) != 0 {
		t.Errorf("a dry run sends %v", got)
	}
	says(shell(t, folder, typed), append(refused, "3 messages wait to be sent, 0 ")...)
	first := queued(t, folder)
	if len(first) != 3 || first["eva@home.test"] != "de" || first["otto@home.test"] != "en" || first["zoe@home.test"] != "fr" {
		t.Errorf("%v", first)
	}

	// Who stands twice in a list is welcomed once, also on trial.
	for _, trial := range []string{" --dry-run", ""} {
		says(shell(t, folder, "printf 'address,to\\nteam@example.com,ida@home.test\\nTeam@EXAMPLE.com,ida@home.test\\n' | autoconfig welcome --file -"+trial),
			"1 messages ", ", 1 mailboxes were welcomed before")
	}

	// The list is mended; what was sent before isn't sent again.
	shell(t, folder, `sed -i 's/^kiosk@example.com,,/kiosk@example.com,lea@home.test,/' list.csv`)
	var second struct {
		Queued  int
		Before  int `json:"welcomed_before"`
		Refused int
		Reasons []string
	}
	said := shell(t, folder, "autoconfig welcome --json --file - < list.csv")
	if err := json.NewDecoder(strings.NewReader(said)).Decode(&second); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if second.Queued != 1 || second.Before != 3 || second.Refused != 2 || len(second.Reasons) != 2 || !strings.HasPrefix(second.Reasons[0], wrong) {
		t.Errorf("%+v", second)
	}
	if got := queued(t, folder); len(got) != 5 || got["lea@home.test"] == "" {
		t.Errorf("%v", got)
	}

	// A list that can't be read is refused with its place.
	for text, want := range map[string]string{
		"address,to\nfourth@example.com,a@home.test\nfif\"th@example.com,b@home.test\nsixth@example.com,c@home.test\n": `line 3: bare " in non-quoted-field; the list is read only up to there`,
		"address,too\n":        `the column "too" is not one of address, to, language`,
		"address,language\n":   "must name the columns address and to",
		"address,to,address\n": "is there twice",
		"":                     "the first line must name the columns",
	} {
		writeFile(t, folder, "broken.csv", text)
		says(shell(t, folder, "autoconfig welcome --file broken.csv; echo $?"), want)
	}
	got := queued(t, folder)
	if _, before := got["a@home.test"]; len(got) != 6 || !before {
		t.Errorf("what comes before the broken line, and nothing behind it: %v", got)
	}
}

// drawing keeps what is drawn, and tells of each time.
type drawing struct {
	bytes.Buffer
	drawn chan struct{}
}

func (d *drawing) Write(p []byte) (int, error) {
	defer func() { d.drawn <- struct{}{} }()
	return d.Buffer.Write(p)
}

// On a terminal one sees how far a list has come, and nothing of it stays.
func TestAListShowsItsProgress(t *testing.T) {
	t.Parallel()
	list := "address,to\noffice@example.com,a@home.test\n" + strings.Repeat("workshop@example.com,b@home.test\n", 400)
	m := &meter{what: "reading list.csv", size: int64(len(list))}
	shown := drawing{drawn: make(chan struct{}, 10)}
	tick, end, ended := make(chan time.Time), make(chan struct{}), make(chan struct{})
	began := time.Unix(1_800_000_000, 0)
	go func() { defer close(ended); m.run(&shown, true, func() time.Time { return began }, tick, end) }()
	lines := 0
	err := (&welcomeCmd{}).each(m.reading(strings.NewReader(list)), func(int, welcomeRow, error) error {
		m.lines.Add(1)
		if lines++; lines%200 == 0 {
			tick <- began
			<-shown.drawn // else it may show what is read meanwhile
		}
		return nil
	})
	close(end)
	<-ended
	if err != nil || lines != 401 {
		t.Fatal(lines, err)
	}
	parts := strings.Split(shown.String(), "\r\x1b[K")
	if len(parts) != 4 || parts[3] != "" || !strings.Contains(parts[1], "#.") || !strings.HasPrefix(parts[2], "[#") || !strings.Contains(parts[2], "reading list.csv: 40") {
		t.Errorf("%q", parts)
	}

	testkit.Need(t, "script")
	folder := welcomeSite(t)
	if said := shell(t, folder, `script -qec "autoconfig welcome --file list.csv" /dev/null`); !strings.Contains(said, "\r\x1b[K") || !strings.Contains(said, "3 messages wait") {
		t.Errorf("on a terminal: %q", said)
	}
	if said := shell(t, folder, "autoconfig welcome --file list.csv"); strings.Contains(said, "\x1b") {
		t.Errorf("elsewhere: %q", said)
	}
}
