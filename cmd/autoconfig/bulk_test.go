package main

import (
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// An import that the database gives up for another's sake when all is written isn't
// said to be done, nor written down.
func TestAnImportThatIsGivenUpIsNotSaidToBeDone(t *testing.T) {
	t.Parallel()
	folder, address := t.TempDir(), testkit.StartPostgreSQL(t).Create(t)
	writeFile(t, folder, "autoconfig.yaml", "public_url: https://setup.example.com\ndatabase: "+address+"\n")
	writeFile(t, folder, "domains.jsonl", `{"name":"example.com","servers":{"imap":[{"host":"imap.example.com"}],"smtp":[{"host":"smtp.example.com"}]}}`+"\n")
	do := func(args ...string) (status int, said string) {
		status, out, errs := command(t, "", append([]string{"--config", folder + "/autoconfig.yaml"}, args...)...)
		return status, out + errs
	}
	if status, said := do("domain", "list"); status != 0 { // makes the tables
		t.Fatal(said)
	}
	db := openDatabase(t, address, folder)
	for _, statement := range []string{
		`CREATE SEQUENCE entries`, // goes on in a transaction that is undone
		`CREATE FUNCTION give_up() RETURNS trigger AS $$ BEGIN IF nextval('entries') = 1 THEN RAISE EXCEPTION 'given up' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql`,
		`CREATE TRIGGER gives_up BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION give_up()`,
	} {
		execute(t, db, statement)
	}
	state := func() string {
		return strings.Join(append(column(t, db, `SELECT name FROM domains`), column(t, db, `SELECT action FROM audit`)...), ", ")
	}
	if status, said := do("import", "domains", folder+"/domains.jsonl"); status != exitFinding || state() != "" {
		t.Errorf("%d %s, and there is %q", status, said, state())
	}
	if status, said := do("import", "domains", folder+"/domains.jsonl"); status != 0 || state() != "example.com, domains imported" {
		t.Errorf("again: %d %s, and there is %q", status, said, state())
	}
}
