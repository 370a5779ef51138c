package migrate

import "hash/maphash"

// claims are the addresses of a file with the lines that have them, to find the
// ones that stand twice. Of a million addresses only fingerprints are kept: 128
// bits by seeds that nobody knows, so that no two addresses share one.
type claims struct {
	seeds [2]maphash.Seed
	of    map[fingerprint]claim
}

type fingerprint [2]uint64

// claim is a line, and whether the address is the account's own there.
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

// add notes an address, unless another line has it already: that one is given.
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
