package server

import (
	"math"
	"strconv"
)

// luminance is a colour's, from six hexadecimal digits (WCAG 2.2, "relative
// luminance").
func luminance(digits string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(digits[2*i:2*i+2], 16, 8) // checked by the caller
		part := float64(n) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
