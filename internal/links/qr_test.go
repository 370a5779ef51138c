package links_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"autoconfig/internal/links"
	"autoconfig/internal/testkit"
)

// An independent reader (zbar) reads what was drawn. The drawing's few commands are
// painted here; the rendered page is read in server's tests.
func TestQRCodesAreReadByZbar(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "zbarimg")
	for _, text := range []string{"https://setup.example.com/s/0123456789abcdefghijklmnop", strings.Repeat("x", 900)} {
		svg, err := links.QR(text)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "code.png")
		if err := os.WriteFile(file, paint(t, svg), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "zbarimg", "-q", "--raw", file).Output()
		if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != text {
			t.Errorf("zbar reads %q, want %q: %v", got, text, err)
		}
	}
	if _, err := links.QR(strings.Repeat("x", 3000)); err == nil {
		t.Error("3,000 bytes fit")
	}
}

func paint(t *testing.T, svg string) []byte {
	t.Helper()
	const scale = 6
	side, err := strconv.Atoi(regexp.MustCompile(`viewBox="0 0 (\d+)`).FindStringSubmatch(svg)[1])
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`).FindAllStringSubmatch(svg, -1) {
		var n [3]int
		for i := range n {
			n[i], _ = strconv.Atoi(run[i+1])
		}
		for y := n[1] * scale; y < (n[1]+1)*scale; y++ {
			for x := n[0] * scale; x < (n[0]+n[2])*scale; x++ {
				picture.SetGray(x, y, color.Gray{})
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
