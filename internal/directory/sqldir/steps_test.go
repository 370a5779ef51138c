package sqldir

import (
	"testing"

	"autoconfig/internal/database"
	"autoconfig/settings"
)

// An address is asked about in as many questions whether it is a mailbox's, nobody's,
// or one that counts for nobody's. Only an alias takes more, which is something of
// its own.
func TestAsManyQuestionsForAMailboxAsForNone(t *testing.T) {
	t.Parallel()
	s := house(t, database.SQLite, `
INSERT INTO people VALUES ('plain@example.com', '', '', '', '', '', '', ''), ('self@example.com', '', '', '', '', '', '', ''), ('off@example.com', '', '', '', '', '', '', '0');
INSERT INTO aliases VALUES ('self@example.com', 'self@example.com'), ('all@example.com', 'plain@example.com'), ('all@example.com', 'self@example.com'), ('away@example.com', '|/bin/cat');
INSERT INTO domains VALUES ('example.com', 'example.com', '', '')`)
	questions := func(address string) int64 {
		before := s.asked.Load()
		_, _ = s.Account(t.Context(), settings.MustAddress(address))
		return s.asked.Load() - before
	}
	want := questions("nobody@example.com")
	for _, address := range []string{"plain@example.com", "self@example.com", "off@example.com", "all@example.com", "away@example.com"} {
		if got := questions(address); got != want || got == 0 {
			t.Errorf("%s: %d questions, and %d for nobody", address, got, want)
		}
	}
}
