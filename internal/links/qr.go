package links

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the empty border that a reader needs, in modules (ISO/IEC 18004).
const quiet = 4

// QR draws a text as a QR code: SVG without a size, black on white in any colour scheme, as readers
// need it, and without styles that a strict policy would refuse. Texts over 2,331 bytes are an
// error.
func QR(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("a text of %d bytes as a QR code: %w", len(text), err)
	}
	side := code.Size + 2*quiet
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="%[2]s"/></svg>`, side, path.String()), nil
}
