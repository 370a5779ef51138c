package simulate

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/clients/reading"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
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
	if r.document == nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte(r.document.ContentType+"\n"), r.document.Body...))
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
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), r.domain(), "D")), &same); err != nil {
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
	name, ok := auth[s.AuthMethod]
	if !ok {
		name = s.AuthMethod.String()
	}
	return reading.Server{Type: s.Type, Host: s.Hostname, Port: s.Port, Security: sockets[s.SocketType], Auth: name, Username: s.Username}
}

// What our reader makes of a document is what the real Thunderbird made of it.
func TestThunderbirdsReaderAgreesWithTheTable(t *testing.T) {
	t.Parallel()
	golden := readTable(t, "thunderbird")
	for _, r := range documentRows() {
		t.Run(r.name, func(t *testing.T) {
			want := golden.lines[r.name]
			if want.Row == "" || want.Input != r.input() {
				t.Fatal("the table doesn't have it: make client-table")
			}
			account, err := reading.Thunderbird(*r.document, r.person())
			got := r.abstract(verdict{Account: account})
			if diff := cmp.Diff(want.Account, got.Account); diff != "" {
				t.Errorf("the table (%s) and our reader (%v):\n%s\n%s", want.Why, err, diff, r.document.Body)
			}
		})
	}
}

// The table is what the real Thunderbird does.
func TestTheTableIsTheRealThunderbird(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	rows := documentRows()
	s := newStage(t, rows, true)
	tb := testkit.StartThunderbird(t, s.ca)
	var people []testkit.Person
	for _, r := range rows {
		p := testkit.Person{Email: r.address(), RealName: realName, AcceptRedirect: true}
		if r.document != nil {
			p.Document = "https://autoconfig." + r.domain() + "/mail/config-v1.1.xml"
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
	if *update {
		writeTable(t, "thunderbird", "Thunderbird "+tb.Version(), verdicts)
		return
	}
	golden := readTable(t, "thunderbird")
	for i, r := range rows {
		if diff := cmp.Diff(golden.lines[r.name], verdicts[i]); diff != "" {
			t.Errorf("%s: the table and the real program:\n%s", r.name, diff)
		}
	}
}
