package simulate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"autoconfig/clients/reading"
)

// fromSource are the programs that can't be run here. Their tables are written by hand,
// from their sources or their makers' documents: each row has where it comes from.
var fromSource = map[string]func(reading.Document, reading.Person) (*reading.Account, reading.Redirect, error){
	"kmail": plainly(reading.KMail), "fairemail": plainly(reading.FairEmail), "nextcloud": plainly(reading.Nextcloud),
	"outlook": reading.Outlook, "fairemail-autodiscover": reading.FairEmailAutodiscover, "deltachat-autodiscover": reading.DeltaChatAutodiscover,
}

func plainly(read func(reading.Document, reading.Person) (*reading.Account, error)) func(reading.Document, reading.Person) (*reading.Account, reading.Redirect, error) {
	return func(d reading.Document, person reading.Person) (*reading.Account, reading.Redirect, error) {
		a, err := read(d, person)
		return a, reading.Redirect{}, err
	}
}

// sourceTable is the first line of such a table.
type sourceTable struct{ Program, Source, Base string }

// sourceRow is what a program's source makes of a changed document.
type sourceRow struct {
	Row string `json:"row"`
	// At is the function, or the document and section, that decides.
	At string `json:"at"`
	// Changes are pairs of texts: each first one gives way to the second.
	Changes [][2]string `json:"changes"`
	Want    string      `json:"want"`
}

func TestReadersDoWhatTheSourcesSay(t *testing.T) {
	t.Parallel()
	for name, read := range fromSource {
		table, rows := readSourceTable(t, name)
		for _, r := range rows {
			t.Run(name+"/"+r.Row, func(t *testing.T) {
				t.Parallel()
				got := inWords(read(reading.Document{ContentType: xmlType, Body: []byte(r.document(t, table))}, reading.Person{Email: "o.neil@example.com", RealName: realName}))
				reason, refused := strings.CutPrefix(r.Want, "refused: ")
				if refused && !strings.Contains(got, reason) || refused != strings.HasPrefix(got, "refused: ") || !refused && got != r.Want {
					t.Errorf("%s, %s:\n%q, want\n%q", table.Source, r.At, got, r.Want)
				}
			})
		}
	}
}

func readSourceTable(t *testing.T, name string) (table sourceTable, rows []sourceRow) {
	t.Helper()
	file, err := os.Open(tableFile(name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		into := any(&table)
		if table.Program != "" {
			rows = append(rows, sourceRow{})
			into = &rows[len(rows)-1]
		}
		if err := json.Unmarshal(lines.Bytes(), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := lines.Err(); err != nil || table.Source == "" || len(rows) < 10 {
		t.Fatalf("%s: %d rows, %v", name, len(rows), err)
	}
	return table, rows
}

func (r sourceRow) document(t *testing.T, table sourceTable) string {
	t.Helper()
	text := map[string]string{"autoconfig": plainDocument, "autodiscover": plainPOX}[table.Base]
	for _, c := range r.Changes {
		if !strings.Contains(text, c[0]) || r.At == "" {
			t.Fatalf("%s: there is no %q, or no source", r.Row, c[0])
		}
		text = strings.Replace(text, c[0], c[1], 1)
	}
	return text
}

// inWords is what a reader says, in one line.
func inWords(a *reading.Account, redirect reading.Redirect, err error) string {
	switch {
	case err != nil && errors.Is(err, reading.ErrRefused):
		return "refused: " + err.Error()
	case err != nil:
		return "no refusal: " + err.Error()
	case redirect != reading.Redirect{}:
		return "redirected: " + redirect.URL + redirect.Address
	}
	server := func(s reading.Server) string {
		logins := strings.Join(append([]string{s.Username}, a.Tries...), " or ")
		return fmt.Sprintf("%s:%d %s %s %s", s.Host, s.Port, s.Security, s.Auth, logins)
	}
	text := server(a.Incoming)
	if a.Outgoing.Type != "" {
		text += "; " + server(a.Outgoing)
	}
	return text
}
