package main

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"2d": 2 * day, "0d": 0, "1d12h": 36 * time.Hour, "30m": 30 * time.Minute, "72h": 3 * day, "9999d": 9999 * day,
	} {
		var s span
		if err := s.UnmarshalText([]byte(text)); err != nil || time.Duration(s) != want {
			t.Errorf("%s is %s, %v; want %s", text, time.Duration(s), err, want)
		}
	}
	for _, text := range []string{"", "2", "d", "2 d", "1.5d", "-2d", "1d-1h", "99999d", "2days", "12h1d"} {
		var s span
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %s", text, time.Duration(s))
		}
	}
}
