// Command bench holds the real service against what it could cost at least: in the same
// rounds it asks servers that send the same bytes and know nothing. `make bench` runs it.
//
//	CASES   a regular expression of the cases to run; all by default
//	ROUNDS  of each case, 5 by default
//	SECONDS that each server is asked in a round, 1 by default
//	STORES  accounts of the stores that are compared, "1000 100000" by default
//	PEERS   further servers for the first case, such as "mox=127.0.0.1:8010=4711" (name,
//	        address, process id), which somebody has started
//
// Without CASES it writes its table and its picture into docs/performance.md.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		fail(serveFloor(os.Args[2:]))
		return
	}
	pin()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	b, err := newBench()
	fail(err)
	go func() { // what was started must end with it
		<-stop
		b.close()
		os.Exit(1)
	}()
	err = b.run()
	b.close()
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The processors that have a part each, where there are two.
const (
	serverCore = "0"
	loadCore   = "1"
)

// pin starts the program anew on the processor of the load.
func pin() {
	taskset, err := exec.LookPath("taskset")
	if err != nil || os.Getenv("BENCH_PINNED") != "" {
		return
	}
	self, err := os.Executable()
	fail(err)
	env := append(os.Environ(), "BENCH_PINNED=1")
	fail(syscall.Exec(taskset, append([]string{"taskset", "-c", loadCore, self}, os.Args[1:]...), env))
}
