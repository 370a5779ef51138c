package testkit

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"testing"
)

//go:embed clients/thunderbird_show.js
var showScript string

// Shown is what a person sees of a message in Thunderbird.
type Shown struct {
	Text  string
	Links []string // in their order
	// Border is the first link's, such as "solid 2px", and BorderColour its colour; Ink is
	// that of the link's text.
	Border, BorderColour, Ink string
	// Sideways is by how many pixels the message is wider than its place.
	Sideways int
	Picture  []byte // PNG
}

// Show opens a message (RFC 5322) in a window of its own, with a width for the message and
// a height of the window in pixels. Where SCREENSHOTS names a folder, the window's picture
// is kept there under a name.
func (tb *Thunderbird) Show(t testing.TB, name, message string, width, height int) Shown {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var shown Shown
	file := writeFile(t, t.TempDir(), "message.eml", []byte(message))
	if err := tb.remote.script(ctx, showScript, &shown, file, width, height); err != nil {
		t.Fatalf("opening a message in Thunderbird: %v", err)
	}
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), shown.Picture, 0o600); err != nil {
			t.Error(err)
		}
	}
	return shown
}
