package mobileconfig

// Bounds of a signature: real ones have some hundred elements, a dozen deep.
const (
	maxElements = 5000
	maxNesting  = 40
)

// isSound tells whether every element of BER ends within the one around it. pkcs7
// doesn't ask: it reads what overlaps again and again, and 2 KB of it took for ever.
func isSound(ber []byte) bool {
	w := berWalk{ber, maxElements}
	_, ok := w.element(0, len(ber), 0)
	return ok
}

type berWalk struct {
	ber  []byte
	left int // elements that may still come
}

// element walks over the element at an offset, as pkcs7 does, and gives its end,
// which is at the limit or before it.
func (w *berWalk) element(at, limit, depth int) (end int, ok bool) {
	w.left--
	if w.left < 0 || depth > maxNesting || at >= limit {
		return 0, false
	}
	first := w.ber[at]
	at++
	if first&0x1f == 0x1f { // the tag's number follows
		for at < limit && w.ber[at] >= 0x80 {
			at++
		}
		at++
	}
	if at >= limit {
		return 0, false
	}
	length := int(w.ber[at])
	at++
	constructed := first&0x20 != 0
	if length == 0x80 {
		if !constructed {
			return 0, false
		}
		return w.untilEnd(at, limit, depth)
	}
	if n := length - 0x80; n > 0 {
		if n > 4 || at+n > limit {
			return 0, false
		}
		length = 0
		for _, b := range w.ber[at : at+n] {
			length = length<<8 | int(b)
		}
		at += n
	}
	if length < 0 || length > limit-at {
		return 0, false
	}
	end = at + length
	for constructed && at < end {
		if at, ok = w.element(at, end, depth+1); !ok {
			return 0, false
		}
	}
	return end, true
}

// untilEnd walks over what an element of indefinite length holds, to the two zeros at
// its end (X.690, section 8.1.3.6).
func (w *berWalk) untilEnd(at, limit, depth int) (end int, ok bool) {
	for {
		if at, ok = w.element(at, limit, depth+1); !ok || at+2 > limit {
			return 0, false
		}
		if w.ber[at] == 0 && w.ber[at+1] == 0 {
			return at + 2, true
		}
	}
}
