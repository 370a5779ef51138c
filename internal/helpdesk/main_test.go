package helpdesk_test

import (
	"os"
	"testing"

	"autoconfig/internal/testkit"
)

// databases are shared by the tests that don't disturb them.
var databases testkit.DatabaseServers

func TestMain(m *testing.M) { os.Exit(testkit.Run(m, databases.Close)) }
