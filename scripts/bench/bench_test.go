package main

import (
	"bufio"
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestRoundsAreHeldInPairs(t *testing.T) {
	t.Parallel()
	r := result{servers: []string{"ours", "other"}, rounds: [][]sample{
		{{micros: 10, perSecond: 100}, {micros: 40, perSecond: 25}, {micros: 20, perSecond: 50}},
		{{micros: 5, perSecond: 200}, {micros: 40, perSecond: 25}, {micros: 30, perSecond: 33}},
	}}
	if median, least, most := r.paired(1, byProcessor); median != 1 || least != 0.5 || most != 1.5 {
		t.Errorf("%v, %v to %v", median, least, most)
	}
	if median, least, most := r.paired(1, byRate); median != 1 || least != 0.5 || most < 1.5 || most > 1.6 {
		t.Errorf("%v, %v to %v", median, least, most)
	}
	if m := r.median(0, micros); m != 20 {
		t.Error(m)
	}
	if m := middle([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Error(m)
	}
}

func TestAnswersArePassedOver(t *testing.T) {
	t.Parallel()
	next := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"length":  {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true},
		"chunked": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", true},
		"refused": {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", false},
		"cut off": {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", false},
	} {
		in := bufio.NewReader(strings.NewReader(c.text + next))
		if err := readAnswer(in, "200"); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if c.good {
			if err := readAnswer(in, "200"); err != nil {
				t.Errorf("behind %s: %v", name, err)
			}
		}
	}
}

func TestCasesAskForWhatTheySay(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range allCases([]int{1000, 5000}) {
		if names[c.name] {
			t.Errorf("two cases are called %s", c.name)
		}
		names[c.name] = true
		for range 20 {
			for _, text := range []string{string(c.request(nil, rand.New(rand.NewPCG(1, 2)))), c.sample} {
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
				if err != nil || r.Host == "" {
					t.Fatalf("%s: %q: %v", c.name, text, err)
				}
				_ = r.WithContext(context.Background())
			}
		}
		for floor := range c.goal {
			if !bytes.Contains([]byte(strings.Join(c.floors, " ")), []byte(floor)) {
				t.Errorf("%s has a goal against %s, and isn't held against it", c.name, floor)
			}
		}
	}
	if len(names) < 12 {
		t.Errorf("only %d cases", len(names))
	}
}

func TestTheTableAndThePictureHaveEveryPair(t *testing.T) {
	t.Parallel()
	one := []sample{{micros: 10, perSecond: 100}}
	b := &bench{results: []result{{
		of: benchCase{name: "a < b", goal: map[string]float64{floorEcho: 0.85}}, servers: []string{"autoconfig", floorEcho, "mox"},
		rounds: [][]sample{one, one, {{micros: 20, perSecond: 50}}},
	}}}
	table, drawing := b.table(), b.drawing()
	for _, want := range []string{"| 1.00 | 1.00 to 1.00 | 1.00 | 0.85 |", "| mox | 20.0 | 2.00 | 2.00 to 2.00 | 2.00 |  |"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table has no %q:\n%s", want, table)
		}
	}
	if n := len(regexp.MustCompile("<rect x=").FindAllString(drawing, -1)); n != 2 || !strings.Contains(drawing, "a &lt; b / mox") {
		t.Errorf("%d bars:\n%s", n, drawing)
	}
}

func TestHandshakesAreRead(t *testing.T) {
	t.Parallel()
	const text = "cpu: AMD EPYC\n" +
		"BenchmarkHandshakes/bare-2 \t 5049\t 230141 ns/op\t 1.000 ratio\n" +
		"BenchmarkHandshakes/warm-2 \t 4983\t 241141 ns/op\t 1103 bytes/name\t 0.9543 ratio\n" +
		"BenchmarkHandshakes/cold-2 \t 4543\t 261141 ns/op\t 0.88 ratio\nPASS\n"
	h, err := readHandshakes(text + text)
	if err != nil || len(h.warm) != 2 || h.warm[1] != 0.9543 || h.cold[0] != 0.88 || h.bytes[0] != 1103 {
		t.Error(h, err)
	}
	for _, text := range []string{"", "PASS\n", strings.ReplaceAll(text, "ratio", ""), strings.ReplaceAll(text, "warm", "hot")} {
		if h, err := readHandshakes(text); err == nil {
			t.Errorf("%q: %v", text, h)
		}
	}
}
