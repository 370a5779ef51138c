package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

func TestMain(m *testing.M) {
	acme.Quick()
	testscript.Main(leakless{m}, map[string]func(){"autoconfig": main, "wellbehaved": behaveWell}) // also in the PATH of the other tests
}

// leakless are the tests of a package, which must leave no goroutine behind.
type leakless struct{ m *testing.M }

func (l leakless) Run() int { return testkit.Run(l.m) }

// The scripts are what an operator types, with what is seen.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != ""})
}
