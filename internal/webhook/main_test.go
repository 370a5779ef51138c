package webhook_test

import (
	"os"
	"testing"

	"autoconfig/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }
