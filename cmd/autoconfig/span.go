package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// span is a duration as people write it: Go's form, with days before it.
type span time.Duration

// wholeDays are the days at the beginning of a duration.
var wholeDays = regexp.MustCompile(`^([0-9]{1,4})d(.*)$`)

// UnmarshalText reads 30m, 24h, 2d or 1d12h.
func (s *span) UnmarshalText(text []byte) error {
	rest, days := string(text), 0
	if parts := wholeDays.FindStringSubmatch(rest); parts != nil {
		days, _ = strconv.Atoi(parts[1]) // digits, and few
		rest = parts[2]
	}
	var d time.Duration
	if rest != "" || days == 0 && len(text) == 0 {
		var err error
		if d, err = time.ParseDuration(rest); err != nil || d < 0 && days > 0 {
			return fmt.Errorf("%q is not a time: write it like 30m, 24h or 2d", text)
		}
	}
	*s = span(time.Duration(days)*24*time.Hour + d)
	return nil
}
