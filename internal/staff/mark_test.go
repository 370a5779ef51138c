package staff_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"autoconfig/internal/staff"
)

// The number of an audit entry tells how much happens in others' domains.
func TestAnEntrysMarkTellsNothing(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	other, err := staff.NewDesk(nil, []byte("another secret"), false)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for id := int64(1); id <= 2000; id++ {
		mark := d.EntryMark(id)
		if seen[mark[:8]] || strings.HasSuffix(mark, strconv.FormatInt(id, 16)) && id > 0xff {
			t.Errorf("%d is %s, which looks like another, or like itself", id, mark)
		}
		seen[mark[:8]] = true
		if back, err := d.EntryID(mark); err != nil || back != id {
			t.Errorf("%d came back as %d, %v", id, back, err)
		}
		if back, err := other.EntryID(mark); !errors.Is(err, staff.ErrMark) {
			t.Errorf("%d was read with another secret: %d, %v", id, back, err)
		}
	}
	for _, bad := range []string{"1", "x", strings.Repeat("0", 32), strings.Repeat("f", 34), d.EntryMark(0), d.EntryMark(-1)} {
		if id, err := d.EntryID(bad); !errors.Is(err, staff.ErrMark) {
			t.Errorf("%q: %d, %v", bad, id, err)
		}
	}
}
