package migrate

import "hash/maphash"

// claims finds addresses that are twice in a file. It keeps the line of each address under a
// 128-bit fingerprint with random seeds, so that two of a million never collide, even on
// purpose.
type claims struct {
	seeds [2]maphash.Seed
	of    map[fingerprint]claim
}

type fingerprint [2]uint64

// claim is a line, and whether the address is the account's primary one there.
type claim struct {
	line    int32
	primary bool
}

func newClaims() *claims {
	return &claims{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, map[fingerprint]claim{}}
}

func (c *claims) print(key string) fingerprint {
	return fingerprint{maphash.String(c.seeds[0], key), maphash.String(c.seeds[1], key)}
}

// add records an address, or returns the line that has it already.
func (c *claims) add(key string, claimed claim) (claim, bool) {
	fingerprint := c.print(key)
	if old, taken := c.of[fingerprint]; taken {
		return old, false
	}
	c.of[fingerprint] = claimed
	return claimed, true
}

func (c *claims) get(key string) (claim, bool) {
	found, ok := c.of[c.print(key)]
	return found, ok
}
