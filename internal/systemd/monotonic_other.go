//go:build !linux

package systemd

import "time"

// Monotonic is 0 where there is no systemd.
func Monotonic() time.Duration { return 0 }
