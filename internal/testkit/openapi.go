package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// OpenAPITools are programs by which others read an API's description.
type OpenAPITools struct{ bin string }

// NeedOpenAPITools finds them (bin/openapi, bin/openapi-go and bin/oapi-codegen, by
// scripts/install-parts). root is the repository's folder.
func NeedOpenAPITools(t testing.TB, root string) OpenAPITools {
	t.Helper()
	Need(t, "node")
	bin, err := filepath.Abs(filepath.Join(root, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"openapi/node_modules/@redocly/cli", "openapi/node_modules/openapi-typescript", "openapi/node_modules/typescript",
		"openapi-go/go.sum", "oapi-codegen",
	} {
		if !exists(filepath.Join(bin, file)) {
			unmet(t, "needs bin/"+file+": sh scripts/install-parts")
		}
	}
	return OpenAPITools{bin}
}

// Lint gives what Redocly says of a description.
func (o OpenAPITools) Lint(t testing.TB, description string) string {
	return o.run(t, t.TempDir(), "openapi/node_modules/.bin/redocly", "lint", description)
}

// TypeScript generates the types of a client into a folder, and compiles what is in it.
func (o OpenAPITools) TypeScript(t testing.TB, description, folder string) {
	o.run(t, folder, "openapi/node_modules/.bin/openapi-typescript", description, "-o", filepath.Join(folder, "api.d.ts"))
	files, err := filepath.Glob(filepath.Join(folder, "*.ts"))
	if err != nil {
		t.Fatal(err)
	}
	o.run(t, folder, "openapi/node_modules/.bin/tsc", append([]string{
		"--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom",
	}, files...)...)
}

// Go generates a client, the package client, into a folder, and compiles what is in it.
func (o OpenAPITools) Go(t testing.TB, description, folder string) {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(o.bin, "openapi-go", name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, folder, name, text)
	}
	o.run(t, folder, "oapi-codegen", "-package", "client", "-generate", "client,types", "-o",
		filepath.Join(folder, "client.go"), description)
	Need(t, "go")
	o.program(t, folder, "go", "vet", "-mod=mod", ".")
}

func (o OpenAPITools) run(t testing.TB, folder, program string, args ...string) string {
	t.Helper()
	return o.program(t, folder, filepath.Join(o.bin, program), args...)
}

func (OpenAPITools) program(t testing.TB, folder, program string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "GOFLAGS=",
		"NO_COLOR=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
	return string(out)
}
