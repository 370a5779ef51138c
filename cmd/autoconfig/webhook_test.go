package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/links"
	"autoconfig/internal/operator"
	"autoconfig/internal/store"
	"autoconfig/internal/testkit"
	"autoconfig/internal/webhook"
	"autoconfig/settings"
)

// A link that is made by a command, opened and used on a phone, and revoked by a command is told by the service.
func TestAProgramIsToldOfLinks(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	const raw = "thirty-two bytes, as whsec_ says"
	var mu sync.Mutex
	var told []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(raw))
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if got := r.Header.Get("webhook-signature"); err != nil || got != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("%s isn't signed by %q: %v", body, got, err)
		}
		var said struct{ Type string }
		if err := json.Unmarshal(body, &said); err != nil || strings.Contains(string(body), "office") {
			t.Errorf("%s: %v", body, err)
		}
		mu.Lock()
		told = append(told, said.Type)
		mu.Unlock()
	}))
	t.Cleanup(receiver.Close)
	folder := t.TempDir()
	writeFile(t, folder, "webhook.secret", "whsec_"+base64.StdEncoding.EncodeToString([]byte(raw))+"\n")
	writeFile(t, folder, "first.yaml", doorsSite)
	writeFile(t, folder, "autoconfig.yaml", `public_url: https://setup.example.com
check: {every: "0"}
links: {webhook: {url: "`+receiver.URL+`", secret_file: webhook.secret}}
`)
	shell(t, folder, "autoconfig apply first.yaml")
	service := serve(t, folder)
	out := shell(t, folder, `autoconfig link create office@example.com --json > link.json
URL=$(sed -n 's/^ *"url": ".*\(\/s\/[0-9a-v]*\)".*/\1/p' link.json)
ID=$(sed -n 's/^ *"id": "\([0-9a-v]*\)".*/\1/p' link.json)
phone() { curl -s -o page -A 'Mozilla/5.0 (iPhone)' -b cookies -c cookies -w '%{http_code} ' "$@"; }
phone "http://`+service.public+`$URL"
phone "http://`+service.public+`$URL"
phone -d do=profile "http://`+service.public+`$URL"
phone "http://`+service.public+`$URL/profile"
autoconfig link revoke $ID >revoked && echo revoked`)
	if !strings.Contains(out, "200 200 303 200 revoked") {
		t.Fatal(out)
	}
	want := []string{"link.opened", "link.profile", "link.revoked", "link.used"}
	testkit.Until(t, func() string { return "not everything is told" }, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) >= len(want)
	})
	slices.Sort(told)
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	metrics := shell(t, folder, `curl -s http://`+service.private+`/metrics | grep link_notices`)
	for _, line := range []string{`autoconfig_link_notices_total{kind="used",outcome="sent"} 1`, "autoconfig_link_notices_queued 0"} {
		if !strings.Contains(metrics, line) {
			t.Errorf("%s isn't in\n%s", line, metrics)
		}
	}
}

// Notices that wait for long are a problem of the service.
func TestNoticesThatWaitAreAProblem(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), database.MustParse("sqlite::memory:"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	made := time.Now().Add(-time.Hour)
	k := &links.Keeper{Store: db, Secret: []byte("x"), Tell: true, Now: func() time.Time { return made }}
	ctx := t.Context()
	_, l, err := k.Make(ctx, links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "staff:eva"})
	if err != nil {
		t.Fatal(err)
	}
	v, g := &running{store: db}, &generation{teller: &webhook.Sender{}}
	look := func() (seen operator.Seen) {
		v.lookAtNotices(ctx, g, &seen)
		return seen
	}
	if seen := look(); seen.Notices != 0 || len(seen.Problems) != 0 {
		t.Errorf("%+v", seen)
	}
	if err := k.Revoke(ctx, l, "staff:eva"); err != nil {
		t.Fatal(err)
	}
	d, _, err := db.ClaimNotice(ctx, "a", time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	d.Reason = "the webhook answers 500 Internal Server Error"
	if err := db.PutDelivery(ctx, "a", d); err != nil {
		t.Fatal(err)
	}
	seen := look()
	if seen.Notices != 1 || len(seen.Problems) != 1 || seen.Problems[0].Code != operator.WebhookWaits ||
		!strings.Contains(seen.Problems[0].What, "1 notices about links wait for the webhook, the oldest for 1h0m0s: the webhook answers 500") {
		t.Errorf("%+v", seen)
	}
	g.teller = nil
	if seen := look(); seen.Notices != 0 || len(seen.Problems) != 0 {
		t.Errorf("without a webhook: %+v", seen)
	}
}
