package settings_test

import (
	"strings"
	"testing"
	"time"

	"autoconfig/settings"
)

func TestTimesAreInTheProvidersZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"Europe/Berlin": "14:00", "America/New_York": "08:00", "UTC": "12:00", "": "12:00",
	} {
		p := settings.Provider{ID: "a", Name: "A", TimeZone: zone}
		if problems := p.Check("providers[0]"); problems.Err() != nil {
			t.Errorf("%s: %v", zone, problems.Err())
		}
		if got := at.In(p.Zone()).Format("15:04"); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
	for _, zone := range []string{"Local", "Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "CEST+2"} {
		p := settings.Provider{ID: "a", Name: "A", TimeZone: zone}
		if err := p.Check("providers[0]").Err(); err == nil || !strings.Contains(err.Error(), "providers[0].time_zone") {
			t.Errorf("%s: %v", zone, err)
		}
		if p.Zone() != time.UTC {
			t.Errorf("%s is a zone", zone)
		}
	}
}
