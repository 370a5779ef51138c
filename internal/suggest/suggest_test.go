package suggest

import "testing"

func TestText(t *testing.T) {
	t.Parallel()
	known := []string{"listen", "database", "Listened"}
	for word, want := range map[string]string{
		"lisen": "did you mean listen?", "LISTEN": "did you mean listen?", "listene": "did you mean listen?",
		"listened": "did you mean Listened?", "databsae": "did you mean database?",
		"nothing": "possible are listen, database, Listened", "": "possible are listen, database, Listened",
	} {
		if got := Text(word, known); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"ab", "ba", 2}} {
		if got, back := editDistance(c.a, c.b), editDistance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q and %q: %d and %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}
