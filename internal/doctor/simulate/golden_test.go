package simulate

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"autoconfig/clients/reading"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

var update = flag.Bool("update", false, "write what the real programs make of the matrix (make client-table)")

// verdict is a line of a golden table: what the real program made of a row.
type verdict struct {
	Row string `json:"row"`
	// Input is a digest of the document, so that no line outlives its row.
	Input   string           `json:"input,omitempty"`
	Account *reading.Account `json:"account,omitempty"`
	// Why is why there is none, in the program's words where it has some.
	Why string `json:"why,omitempty"`
}

// table is what one program made of all rows.
type table struct {
	Program string
	lines   map[string]verdict
}

// line is a row's, which must be about the same document.
func (a table) line(t *testing.T, r row) verdict {
	t.Helper()
	v := a.lines[r.name]
	if v.Row == "" || v.Input != r.input() {
		t.Fatal("the table doesn't have it: make client-table")
	}
	return v
}

func tableFile(client string) string { return filepath.Join("testdata", "clients", client+".jsonl") }

func readTable(t *testing.T, client string) table {
	t.Helper()
	file, err := os.Open(tableFile(client))
	if err != nil {
		t.Fatalf("%v: make client-table writes it", err)
	}
	defer func() { _ = file.Close() }()
	all := table{lines: map[string]verdict{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if all.Program == "" {
			if err := json.Unmarshal(lines.Bytes(), &all); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all.lines[v.Row] = v
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func writeTable(t *testing.T, client, program string, verdicts []verdict) {
	t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(struct{ Program string }{program}); err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(tableFile(client)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tableFile(client), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// input is the digest of a row's document.
func (r row) input() string {
	d := cmp.Or(r.document, r.pox)
	if d == nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte(d.ContentType+"\n"), d.Body...))
	return hex.EncodeToString(sum[:6])
}

const realName = "Alice Example"

func (r row) person() reading.Person { return reading.Person{Email: r.address(), RealName: realName} }

// abstract writes D for the row's domain, which says nothing.
func (r row) abstract(v verdict) verdict {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var same verdict
	if err := json.Unmarshal([]byte(strings.NewReplacer(r.domain(), "D", r.hoster(), "H").Replace(string(text))), &same); err != nil {
		panic(err)
	}
	return same
}

// thunderbirdVerdict is what came of a row in the real Thunderbird.
func thunderbirdVerdict(r row, got testkit.Outcome) verdict {
	v := verdict{Row: r.name, Input: r.input()}
	if got.Err != nil && !errors.Is(got.Err, testkit.ErrUnsupported) {
		v.Why = got.Err.Error()
		return r.abstract(v)
	}
	v.Account = &reading.Account{
		Name: got.Result.DisplayName, Incoming: thunderbirdServer(got.Result.Incoming), Outgoing: thunderbirdServer(got.Result.Outgoing),
	}
	for _, other := range got.Result.Alternatives {
		v.Account.Others = append(v.Account.Others, thunderbirdServer(other))
	}
	if pop3 := got.Result.POP3; pop3 != nil {
		v.Account.Retention = &reading.Retention{Leave: pop3.LeaveMessagesOnServer, Days: pop3.NumDaysToLeaveOnServer}
	}
	return r.abstract(v)
}

func thunderbirdServer(s testkit.MailServer) reading.Server {
	if s.Type == "" {
		return reading.Server{}
	}
	sockets := map[testkit.SocketType]settings.Security{testkit.SocketTLS: settings.TLS, testkit.SocketSTARTTLS: settings.STARTTLS, testkit.SocketPlain: settings.None}
	auth := map[testkit.AuthMethod]string{testkit.AuthCleartext: "password", testkit.AuthEncrypted: "encrypted password"}
	auth[8] = "secure" // any but a password in the clear
	name, ok := auth[s.AuthMethod]
	if !ok {
		name = s.AuthMethod.String()
	}
	return reading.Server{Type: s.Type, Host: s.Hostname, Port: s.Port, Security: sockets[s.SocketType], Auth: name, Username: s.Username}
}

// evolutionVerdict is what came of a row in the real Evolution.
func evolutionVerdict(r row, got testkit.EvolutionOutcome) verdict {
	v := verdict{Row: r.name, Input: r.input()}
	if got.Err != nil {
		v.Why = got.Err.Error()
		return r.abstract(v)
	}
	v.Account = &reading.Account{Outgoing: evolutionServer("smtp", got.Account.SMTP)}
	for _, in := range []reading.Server{evolutionServer("imap", got.Account.IMAP), evolutionServer("pop3", got.Account.POP3)} {
		switch {
		case in.Type == "":
		case v.Account.Incoming.Type == "":
			v.Account.Incoming = in
		default:
			v.Account.Others = append(v.Account.Others, in)
		}
	}
	return r.abstract(v)
}

func evolutionServer(kind string, s testkit.EvolutionServer) reading.Server {
	if !s.Found {
		return reading.Server{}
	}
	security := map[string]settings.Security{testkit.EvolutionTLS: settings.TLS, testkit.EvolutionSTARTTLS: settings.STARTTLS, testkit.EvolutionPlain: settings.None}
	auth, ok := map[string]string{
		"": "password", "LOGIN": "password", "CRAM-MD5": "encrypted password",
		"Google": "OAuth2", "Yahoo": "OAuth2", "Outlook": "OAuth2",
	}[s.AuthMechanism]
	switch {
	case kind == "smtp" && s.AuthMechanism == "":
		auth = "none"
	case !ok:
		auth = s.AuthMechanism
	}
	return reading.Server{Type: kind, Host: s.Host, Port: s.Port, Security: security[s.Security], Auth: auth, Username: s.User}
}

// thunderbirdRows are the whole matrix.
func thunderbirdRows(t *testing.T) []row {
	t.Helper()
	return slices.Concat(documentRows(t), poxRows(t), worldRows())
}

// evolutionRows are without Autodiscover, which it doesn't ask.
func evolutionRows(t *testing.T) []row {
	t.Helper()
	return slices.Concat(documentRows(t), worldRows())
}

// settle writes a table, or holds it against what the program says now. A program that
// waits five seconds for an answer says something else on a machine that has no time for
// it: what differs is asked again.
func settle(t *testing.T, client, program string, rows []row, ask func(...row) []verdict) {
	t.Helper()
	if *update {
		writeTable(t, client, program, anew(t, client, rows, ask))
		return
	}
	golden := readTable(t, client)
	if golden.Program != program {
		t.Logf("the table is %s's, and this is %s", golden.Program, program)
	}
	for range 4 {
		verdicts := ask(rows...)
		var differ []row
		for i, r := range rows {
			if !gocmp.Equal(golden.lines[r.name], verdicts[i]) {
				differ = append(differ, r)
			}
		}
		if rows = differ; len(rows) == 0 {
			return
		}
	}
	for i, r := range ask(rows...) {
		t.Errorf("%s: the table and the real program:\n%s", r.Row, gocmp.Diff(golden.lines[rows[i].name], r))
	}
}

// anew asks of all rows, or of those that ROWS matches: the others stay as they are.
func anew(t *testing.T, client string, rows []row, ask func(...row) []verdict) []verdict {
	t.Helper()
	pattern := os.Getenv("ROWS")
	if pattern == "" {
		return twiceTheSame(t, rows, ask)
	}
	wanted := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !regexp.MustCompile(pattern).MatchString(r.name) })
	lines := readTable(t, client).lines
	for _, v := range twiceTheSame(t, wanted, ask) {
		lines[v.Row] = v
	}
	verdicts := make([]verdict, len(rows))
	for i, r := range rows {
		verdicts[i] = lines[r.name]
	}
	return verdicts
}

// twiceTheSame asks until a program has said the same of each row twice.
func twiceTheSame(t *testing.T, rows []row, ask func(...row) []verdict) []verdict {
	t.Helper()
	said := map[string][]verdict{}
	settled := map[string]verdict{}
	open := rows
	for round := 0; len(open) > 0; round++ {
		if round == 6 {
			t.Fatalf("of %q and %d more the program says something else each time", open[0].name, len(open)-1)
		}
		var left []row
		for i, v := range ask(open...) {
			if slices.ContainsFunc(said[v.Row], func(before verdict) bool { return gocmp.Equal(before, v) }) {
				settled[v.Row] = v
				continue
			}
			said[v.Row] = append(said[v.Row], v)
			left = append(left, open[i])
		}
		open = left
	}
	verdicts := make([]verdict, len(rows))
	for i, r := range rows {
		verdicts[i] = settled[r.name]
	}
	return verdicts
}

// The table is what the real Thunderbird does.
func TestTheTableIsTheRealThunderbird(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	rows := thunderbirdRows(t)
	drawn := slices.Concat(drawnRows(t), providerRows(t))
	s := newStage(t, slices.Concat(rows, drawn), true)
	tb := testkit.StartThunderbird(t, s.ca)
	ask := func(rows ...row) []verdict {
		var people []testkit.Person
		for _, r := range rows {
			s.asked(r) // of an earlier time
			p := testkit.Person{Email: r.address(), RealName: realName, AcceptRedirect: true}
			if r.document != nil {
				p.Document = "https://autoconfig." + r.domain() + thunderbird.Path
			}
			people = append(people, p)
		}
		outcomes, err := tb.ConfigureAll(t.Context(), people...)
		if err != nil {
			t.Fatal(err)
		}
		verdicts := make([]verdict, len(rows))
		for i, r := range rows {
			verdicts[i] = thunderbirdVerdict(r, outcomes[i])
		}
		return verdicts
	}
	if !*update {
		readAlike(t, drawn, ask, reading.Thunderbird)
	}
	settle(t, "thunderbird", "Thunderbird "+tb.Version(), rows, ask)
	if !*update {
		s.sameRequests(t, "thunderbird")
	}
}

// The table is what the real Evolution does.
func TestTheTableIsTheRealEvolution(t *testing.T) {
	testkit.Need(t, "evolution")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	rows := evolutionRows(t)
	drawn := slices.Concat(drawnRows(t), providerRows(t))
	s := newStage(t, slices.Concat(rows, drawn), true)
	evolution := testkit.StartEvolution(t, s.ca)
	ask := func(rows ...row) []verdict {
		var addresses []string
		for _, r := range rows {
			s.asked(r) // of an earlier time
			addresses = append(addresses, r.address())
		}
		outcomes, err := evolution.ConfigureAll(t.Context(), addresses...)
		if err != nil {
			t.Fatal(err)
		}
		verdicts := make([]verdict, len(rows))
		for i, r := range rows {
			verdicts[i] = evolutionVerdict(r, outcomes[i])
		}
		return verdicts
	}
	if !*update {
		readAlike(t, drawn, ask, reading.Evolution)
	}
	settle(t, "evolution", "Evolution "+evolution.Version(), rows, ask)
	if !*update {
		s.sameRequests(t, "evolution")
	}
}
