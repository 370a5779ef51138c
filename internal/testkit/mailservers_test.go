package testkit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Postfix is gone with the test that started it: its master has a session of its own, and was
// left behind.
func TestPostfixEndsWithItsTest(t *testing.T) {
	Need(t, "root", "postfix", "dovecot")
	t.Parallel()
	master := ""
	t.Run("one that starts it", func(t *testing.T) {
		certificate := NewCA(t).Issue(t, Leaf{Names: []string{"smtp.example.com"}})
		p := StartPostfix(t, certificate, StartDovecot(t, certificate, ""), "")
		text, err := os.ReadFile(p.pidFile)
		if err != nil {
			t.Fatal(err)
		}
		master = filepath.Join("/proc", strings.TrimSpace(string(text)), "cwd")
		if _, err := os.Readlink(master); err != nil {
			t.Fatal(err)
		}
	})
	Until(t, func() string { return "Postfix's master lives on" }, func() bool {
		_, err := os.Readlink(master)
		return err != nil
	})
}
