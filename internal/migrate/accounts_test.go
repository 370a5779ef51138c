package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

// badLines are one mistake each; what is said of it is in testdata/refusals.txt.
var badLines = []struct {
	name   string
	format Format
	text   string
}{
	{"empty file", CSV, ""},
	{"no names of columns", CSV, "office@example.com,Office\n"},
	{"unknown column", CSV, "address,nam\na@example.com,A\n"},
	{"unknown column, nothing like it", CSV, "address,telephone\na@example.com,1\n"},
	{"column twice", CSV, "address,name,Name\na@example.com,A,A\n"},
	{"column without a name", CSV, "address,,name\na@example.com,,A\n"},
	{"no address column", CSV, "name,quota\nA,1GB\n"},
	{"another kind of file", CSV, "\x89PNG\r\n\x1a\n"},
	{"UTF-16", CSV, "\xff\xfea\x00d\x00d\x00"},
	{"UTF-16 without a mark", CSV, "a\x00d\x00d\x00"},
	{"UTF-16 in JSON", JSONL, "\x00{\x00\"\x00"},
	{"gzip", CSV, "\x1f\x8b\b\x00\x00\x00"},
	{"a spreadsheet", CSV, "PK\x03\x04\x14\x00\x06\x00"},
	{"lines of old Macs", CSV, "address,name\ra@example.com,A\rb@example.com,B\r"},
	{"semicolons behind empty lines", CSV, "\r\n\naddress;name\na.example.com;A\n"},
	{"not UTF-8", CSV, "address,name\na@example.com,M\xfcller\n"},
	{"no address", CSV, "address,name\n,A\n"},
	{"bad address", CSV, "address\na.example.com\n"},
	{"address in an alias", CSV, "address\na@example.net\n"},
	{"other address in an alias", CSV, "address,addresses\na@example.com,b@example.net\n"},
	{"unknown domain", CSV, "address\na@example.info\n"},
	{"other address in another domain", CSV, "address,addresses\na@example.com,a@example.org\n"},
	{"bad other address", CSV, "address,addresses\na@example.com,b@example.com c\n"},
	{"bad quota", CSV, "address,quota\na@example.com,abc\n"},
	{"bad devices", CSV, "address,devices\na@example.com,two\n"},
	{"bad protocol", CSV, "address,protocol\na@example.com,smtp\n"},
	{"no server for the protocol", CSV, "address,protocol\na@example.org,pop3\n"},
	{"line break in a name", CSV, "address,name\na@example.com,\"A\nB\"\n"},
	{"group not closed", CSV, "address,groups\na@example.com,\"\"\"hall 3\"\n"},
	{"group with text behind", CSV, "address,groups\na@example.com,\"\"\"hall\"\"3\"\n"},
	{"too many cells", CSV, "address,name\na@example.com,A,B\n"},
	{"too few cells", CSV, "address,name\na@example.com\n"},
	{"quote in a cell", CSV, "address,name\na@example.com,A \"B\" C\nb@example.com,B\n"},
	{"text behind a quote", CSV, "address,name\na@example.com,\"A\" B\n"},
	{"quote not closed", CSV, "address,name\na@example.com,A\nb@example.com,\"B\nc@example.com,C\n"},
	{"long cell", CSV, "address,name\na@example.com," + strings.Repeat("x", maxField+1) + "\n"},
	{"long line", CSV, "address,name\na@example.com," + strings.Repeat("x", maxLine) + "\nb@example.com,abc,\n"},
	{"endless line", CSV, "address,name\na@example.com,\"" + strings.Repeat("x\n", maxLine) + "\n"},
	{"line twice", CSV, "address\na@example.com\nb@example.com\nA@EXAMPLE.com\n"},
	{"address twice", CSV, "address,addresses\na@example.com,b@example.com\nb@example.com,\n"},
	{"other address twice", CSV, "address,addresses\na@example.com,x@example.com\nb@example.com,y@example.com X@example.com\n"},
	{"twice in a line", CSV, "address,addresses\na@example.com,b@example.com b@example.com\n"},
	{"own address again", CSV, "address,addresses\na@example.com,a@example.com\n"},
	{"address of a stored account", CSV, "address\ninfo@example.com\n"},
	{"other address of a stored account", CSV, "address,addresses\na@example.com,info@example.com\n"},
	{"a stored account as an other address", CSV, "address,addresses\na@example.com,workshop@example.com\n"},
	{"an address that a stored account of the file keeps", CSV, "address,addresses,name\na@example.com,info@example.com,A\noffice@example.com,info@example.com,B\n"},
	{"several mistakes in a line", CSV, "address,quota,devices,protocol\na@example.com,abc,two,x\nb@example.com,,two,x\n"},
	{"line numbers behind quoted line breaks", CSV, "address,name,quota\r\n\r\na@example.com,\"A\r\n\r\nB\",1\r\n,,\r\nb@example.com,B,x\r\n"},
	{"a later line of a cell", CSV, "address,name,quota\na@example.com,\"A\n\nB\",x\n"},
	{"semicolons", CSV, "\xef\xbb\xbfaddress;name;quota\r\na@example.com;Müller, Anna;x\r\n"},

	{"no JSON", JSONL, "{\"address\": \"a@example.com\"\n"},
	{"no object", JSONL, "[1]\n"},
	{"text", JSONL, "\"a@example.com\"\n"},
	{"two objects in a line", JSONL, `{"address":"a@example.com"} {"address":"b@example.com"}` + "\n"},
	{"unknown key", JSONL, `{"address":"a@example.com","protocoll":"imap"}` + "\n"},
	{"key in capitals", JSONL, `{"Address":"a@example.com"}` + "\n"},
	{"key twice", JSONL, `{"address":"a@example.com","name":"A","name":"B"}` + "\n"},
	{"no address in JSON", JSONL, `{"name":"A"}` + "\n"},
	{"bad address in JSON", JSONL, `{"address":"a"}` + "\n"},
	{"number for quota", JSONL, `{"address":"a@example.com","quota":500}` + "\n"},
	{"bad quota in JSON", JSONL, `{"address":"a@example.com","quota":"lots"}` + "\n"},
	{"text for groups", JSONL, `{"address":"a@example.com","groups":"staff"}` + "\n"},
	{"empty group", JSONL, `{"address":"a@example.com","groups":[""]}` + "\n"},
	{"number in groups", JSONL, `{"address":"a@example.com","groups":[1]}` + "\n"},
	{"bad other address in JSON", JSONL, `{"address":"a@example.com","addresses":["b"]}` + "\n"},
	{"empty other address", JSONL, `{"address":"a@example.com","addresses":[""]}` + "\n"},
	{"half a surrogate", JSONL, `{"address":"a@example.com","name":"\ud800"}` + "\n"},
	{"not UTF-8 in JSON", JSONL, "{\"address\":\"a@example.com\",\"name\":\"M\xfcller\"}\n"},
	{"deep JSON", JSONL, strings.Repeat(`{"address":`, 5000) + "\n"},
	{"long value", JSONL, `{"address":"a@example.com","name":"` + strings.Repeat("x", maxField) + "\"}\n"},
	{"long line of JSON", JSONL, "\n" + `{"address":"a@example.com","name":"` + strings.Repeat("x", maxLine) + "\"}\n{\"address\":\"b\"}\n"},
	{"whole file as one array", JSONL, "[\n{\"address\":\"a@example.com\"},\n{\"address\":\"b@example.com\"}\n]\n"},
}

func TestEveryBadLineIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, c := range badLines {
		before := newFake(t, demo())
		got := importAccounts(t, before, c.format, c.text)
		fmt.Fprintf(&all, "%s\n", c.name)
		if len(got.refused) == 0 {
			t.Errorf("%s: nothing was refused", c.name)
		}
		for _, r := range got.refused {
			fmt.Fprintf(&all, "\taccounts.%s:%s\n", c.format, r)
			if len(r) > 400 {
				t.Errorf("%s: a message of %d bytes", c.name, len(r))
			}
		}
		if diff := cmp.Diff(newFake(t, demo()).site(), before.site(), compare); diff != "" {
			t.Errorf("%s: something was written: %s", c.name, diff)
		}
	}
	golden(t, "testdata/refusals.txt", all.String(), true)
}

var compare = cmp.AllowUnexported(settings.Address{})

func TestColumnsThatAreMissingLeaveWhatIsStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format Format
		text   string
		want   outcome
		change func(office, workshop *policy.Account)
	}{
		"missing columns": {CSV, "quota,address\n1GB,Office@example.com\n", outcome{Counts: Counts{Lines: 1, Changed: 1}, changed: []string{"~ Office@example.com"}}, func(office, _ *policy.Account) {
			office.Address, office.Quota = settings.MustAddress("Office@example.com"), 1e9
		}},
		"empty cells": {CSV, "address,name,addresses,groups,quota,devices\nworkshop@example.com,,,,,\noffice@example.com,,,,,\n", outcome{Counts: Counts{Lines: 2, Changed: 2}, changed: []string{"~ workshop@example.com", "~ office@example.com"}}, func(office, workshop *policy.Account) {
			*office, *workshop = policy.Account{Address: office.Address}, policy.Account{Address: workshop.Address}
		}},
		"missing keys": {JSONL, `{"address":"office@example.com","protocol":"pop3"}`, outcome{Counts: Counts{Lines: 1, Changed: 1}, changed: []string{"~ office@example.com"}}, func(office, _ *policy.Account) {
			office.Protocol = settings.POP3
		}},
		"null and empty values": {JSONL, "{\"address\":\"office@example.com\",\"name\":null,\"devices\":\"\",\"addresses\":[]}\r\n", outcome{Counts: Counts{Lines: 1, Changed: 1}, changed: []string{"~ office@example.com"}}, func(office, _ *policy.Account) {
			*office = policy.Account{Address: office.Address, Addresses: []settings.Address{}}
		}},
		"the same":             {CSV, "address,name\noffice@example.com,Front Office\n", outcome{Counts: Counts{Lines: 1, Same: 1}}, func(*policy.Account, *policy.Account) {}},
		"what spreadsheets do": {CSV, "\xef\xbb\xbfAddress ;Devices;Quota;Groups;Protocol\r\n workshop@example.com ; Several ; 2 GB ;staff  \"\"\"hall 3\"\"\";POP3\r\n;;;;\r\n", outcome{Counts: Counts{Lines: 1, Refused: 1}, refused: []string{"2: the quote at column 48 stands within a cell; quote the whole cell, and write a quote in it twice"}}, func(*policy.Account, *policy.Account) {}},
		"what spreadsheets do well": {CSV, "\xef\xbb\xbfAddress ;Devices;Quota;Groups;Protocol\r\n workshop@example.com ; Several ; 2 GB ;\"staff  \"\"hall 4\"\"\";POP3\r\n;;;;\r\n", outcome{Counts: Counts{Lines: 1, Changed: 1}, changed: []string{"~ workshop@example.com"}}, func(_, workshop *policy.Account) {
			workshop.Devices, workshop.Quota, workshop.Groups, workshop.Protocol = policy.SeveralDevices, 2e9, []string{"staff", "hall 4"}, settings.POP3
		}},
		"tabs": {CSV, "address\tname\nworkshop@example.com\tA, B; C\n", outcome{Counts: Counts{Lines: 1, Changed: 1}, changed: []string{"~ workshop@example.com"}}, func(_, workshop *policy.Account) { workshop.Name = "A, B; C" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFake(t, demo())
			got := importAccounts(t, store, c.format, c.text)
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
			want := demo()
			c.change(&want.Accounts[0], &want.Accounts[1])
			if diff := cmp.Diff(want, store.site(), compare); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An address may go from one account to another in one file, whichever comes first.
func TestAddressesMoveBetweenAccounts(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"given first":       {"new@example.com,info@example.com", "office@example.com,"},
		"taken first":       {"office@example.com,", "new@example.com,info@example.com"},
		"as own address":    {"info@example.com,", "office@example.com,"},
		"swapped":           {"office@example.com,x@example.com", "new@example.com,info@example.com"},
		"in another batch":  append(append([]string{"new@example.com,info@example.com"}, many("x", 2*Batch)...), "office@example.com,"),
		"back and forth":    {"info@example.com,office2@example.com", "office@example.com,info2@example.com"},
		"other letter case": {"new@example.com,INFO@Example.com", "OFFICE@example.com,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFake(t, demo())
			got := importAccounts(t, store, CSV, "address,addresses\n"+strings.Join(lines, "\n")+"\n")
			if got.Refused > 0 {
				t.Fatalf("refused: %q", got.refused)
			}
			if owner := store.owner["info@example.com"]; owner == "" || owner == "office@example.com" {
				t.Errorf("info@ is of %q", owner)
			}
			if got := importAccounts(t, &fake{store.config, store.accounts, store.owner, 0}, CSV, "address,addresses\n"+strings.Join(lines, "\n")+"\n"); !got.Empty() {
				t.Errorf("once more changes %q", got.changed)
			}
		})
	}
}

func many(prefix string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("%s%d@example.com,", prefix, i)
	}
	return lines
}

// One bad line at the end of many, and nothing of the others is there.
func TestAllOrNothing(t *testing.T) {
	t.Parallel()
	store := newFake(t, demo())
	text := "address,addresses\n" + strings.Join(many("a", 3*Batch), "\n") + "\nbad@example.com,info@example.com\n"
	got := importAccounts(t, store, CSV, text)
	if want := []string{fmt.Sprintf("%d: addresses[0]: info@example.com already belongs to the account office@example.com, which is stored", 3*Batch+2)}; !slices.Equal(got.refused, want) {
		t.Errorf("refused %q, want %q", got.refused, want)
	}
	if diff := cmp.Diff(newFake(t, demo()).site(), store.site(), compare); diff != "" {
		t.Errorf("something was written: %s", diff)
	}
}

// Something that was good when it was judged and isn't any more ends the
// transaction.
func TestWhatChangesBetweenJudgingAndWriting(t *testing.T) {
	t.Parallel()
	store := newFake(t, demo())
	const text = "address,protocol\na@example.com,pop3\n"
	i := AccountImport{Format: CSV}
	if counts, err := i.Judge(t.Context(), store, strings.NewReader(text)); err != nil || counts.Added != 1 {
		t.Fatal(counts, err)
	}
	store.config.Domains[0].Plan = "imap only"
	if err := store.change(func(to Target) error { _, err := i.Write(t.Context(), to, strings.NewReader(text)); return err }); !errors.Is(err, ErrRefused) {
		t.Errorf("writing gives %v", err)
	}
	if len(store.accounts) != 2 {
		t.Error("something was written")
	}
}

// What is exported is imported to the same, in an empty store and over itself.
func TestWhatIsExportedImportsToTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		site := policytest.Site().Draw(rt, "site")
		format := rapid.SampledFrom([]Format{CSV, JSONL}).Draw(rt, "format")
		full := newFake(t, site)
		var accounts, domains bytes.Buffer
		if n, err := ExportAccounts(t.Context(), full, "", format, &accounts); err != nil || n != len(site.Accounts) {
			rt.Fatal(n, err)
		}
		if _, err := ExportDomains(domainsOf(site), JSONL, &domains); err != nil {
			rt.Fatal(err)
		}
		empty := newFake(t, policy.Site{ID: site.ID, Providers: site.Providers, Plans: site.Plans})
		if refused := importDomains(t, empty, JSONL, domains.String()); len(refused) > 0 {
			rt.Fatalf("%s\nrefused: %q", domains.String(), refused)
		}
		if got := importAccounts(t, empty, format, accounts.String()); got.Refused > 0 || got.Added != len(site.Accounts) {
			rt.Fatalf("%s\n%+v", accounts.String(), got)
		}
		if diff := cmp.Diff(full.site(), empty.site(), compare); diff != "" {
			rt.Fatalf("%s\n%s\n%s", domains.String(), accounts.String(), diff)
		}
		if got := importAccounts(t, full, format, accounts.String()); !got.Empty() || got.Same != len(site.Accounts) {
			rt.Fatalf("over itself: %+v", got)
		}
		// A CSV says less of a domain, and what it doesn't say stays.
		var table bytes.Buffer
		if _, err := ExportDomains(domainsOf(site), CSV, &table); err != nil {
			rt.Fatal(err)
		}
		if refused := importDomains(t, full, CSV, table.String()); len(refused) > 0 {
			rt.Fatalf("%s\nrefused: %q", table.String(), refused)
		}
		if diff := cmp.Diff(empty.site(), full.site(), compare); diff != "" {
			rt.Fatalf("over itself: %s\n%s", table.String(), diff)
		}
	})
}

// A line without an end doesn't take the memory.
func TestALineWithoutAnEndIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format Format
		begin  string
		most   int64 // bytes that may be read
	}{
		"quoted":   {CSV, "address\n\"", 200 << 10},
		"unquoted": {CSV, "address\nx", 200 << 10},
		"header":   {CSV, "x", 200 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endless := &counted{r: io.MultiReader(strings.NewReader(c.begin), forever{})}
			i := AccountImport{Format: c.format}
			counts, err := i.Judge(t.Context(), newFake(t, demo()), endless)
			if err != nil || counts.Refused != 1 {
				t.Errorf("%+v, %v", counts, err)
			}
			if endless.n > c.most {
				t.Errorf("%d bytes were read", endless.n)
			}
		})
	}
}

type forever struct{}

func (forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
