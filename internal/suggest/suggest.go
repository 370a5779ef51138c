// Package suggest names the known word that was probably meant by one that isn't
// known: for mistakes in configurations and tables.
package suggest

import "strings"

// maxDistance is from where on a word is another one, not a slip.
const maxDistance = 3

// Text asks whether the nearest of the known words was meant, or names them all
// if none is near. Case doesn't count; the first of those that are equally near does.
func Text(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return "possible are " + strings.Join(known, ", ")
}

// Nearest is the known word that was probably meant, "" if none is near.
func Nearest(word string, known []string) string {
	best, distance := "", maxDistance
	for _, k := range known {
		if len(word) >= len(k)+maxDistance {
			continue // nothing is spent on what a stranger made long
		}
		if d := editDistance(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
