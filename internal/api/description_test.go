package api_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// The description is one that others' programs read without a warning, and the clients
// that they make of it compile, with a use of them.
func TestClientsAreMadeOfTheDescription(t *testing.T) {
	t.Parallel()
	tools := testkit.NeedOpenAPITools(t, "../..")
	description, err := filepath.Abs("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("lint", func(t *testing.T) {
		t.Parallel()
		if said := tools.Lint(t, description); regexp.MustCompile(`You have \d+ (warning|error)`).MatchString(said) || !strings.Contains(said, "is valid") {
			t.Error(said)
		}
	})
	t.Run("TypeScript", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		write(t, folder, "use.ts", `import type { components, paths } from "./api";
type Mail = components["schemas"]["Mail"];
type Order = paths["/messages"]["post"]["requestBody"]["content"]["application/json"];
const order: Order = { kind: "welcome", address: "office@example.com", to: "eva@home.example" };
export const state = (m: Mail): string => m.state + order.to;
`)
		tools.TypeScript(t, description, folder)
	})
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		write(t, folder, "use.go", `package client

import "context"

// Welcome shows that what is generated can be used.
func Welcome(ctx context.Context, c *ClientWithResponses) (*Mail, error) {
	address := "office@example.com"
	sent, err := c.SendMessageWithResponse(ctx, nil, MailOrder{Kind: "welcome", Address: &address, To: "eva@home.example"})
	if err != nil {
		return nil, err
	}
	return sent.JSON201, nil
}
`)
		tools.Go(t, description, folder)
	})
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
