package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

// handshakesName selects them as the name of a case does.
const handshakesName = "handshakes with 10,000 names"

// handshakes are what those of a service with 10,000 names' certificates cost beside a bare
// crypto/tls server with one: BenchmarkHandshakes in internal/certificates, which has both ends
// in one process, as many times as there are rounds.
type handshakes struct {
	warm, cold []float64 // ratios: how many there are in the time of one of the bare server
	bytes      []float64 // of memory for each name
}

func measureHandshakes(rounds int) (handshakes, error) {
	cmd := exec.Command("go", "test", "./internal/certificates", "-run", "^$", "-bench", "Handshakes", "-count", strconv.Itoa(rounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return handshakes{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return readHandshakes(string(out))
}

func readHandshakes(text string) (h handshakes, err error) {
	line := regexp.MustCompile(`(?m)^BenchmarkHandshakes/(warm|cold)\S*\s.*$`)
	number := func(line, unit string) float64 {
		found := regexp.MustCompile(`([0-9.]+) ` + unit + `\b`).FindStringSubmatch(line)
		if found == nil {
			err = fmt.Errorf("no %s in %q", unit, line)
			return 0
		}
		n, failed := strconv.ParseFloat(found[1], 64)
		if failed != nil {
			err = failed
		}
		return n
	}
	for _, found := range line.FindAllStringSubmatch(text, -1) {
		ratio := number(found[0], "ratio")
		if found[1] == "cold" {
			h.cold = append(h.cold, ratio)
			continue
		}
		h.warm, h.bytes = append(h.warm, ratio), append(h.bytes, number(found[0], "bytes/name"))
	}
	if err == nil && (len(h.warm) == 0 || len(h.cold) == 0) {
		err = fmt.Errorf("no handshakes in %q", text)
	}
	return h, err
}
