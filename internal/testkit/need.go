package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Need skips the test when one of the named tools is missing, and says which
// Debian packages bring it. In continuous integration (CI=true) nothing may be
// skipped, so there it fails the test.
//
// "thunderbird" and "evolution" stand for all that [StartThunderbird] and
// [StartEvolution] use, "postgres" and "mariadbd" for the database servers,
// "root" for the right to make namespaces; any other name is a program looked up
// in PATH.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if why := missing(tool); why != "" {
			unmet(t, why)
		}
	}
}

// Python is Debian's Python where it is installed, else the one in PATH: there may be
// a shim first, which waits for others of its kind and adds its own lines.
func Python(t testing.TB) string {
	t.Helper()
	const debian = "/usr/bin/python3"
	if exists(debian) {
		return debian
	}
	Need(t, "python3")
	return "python3"
}

// unmet ends a test that cannot run here: skipped at home, failed in CI.
func unmet(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// missing returns why a tool cannot be used, or "".
func missing(tool string) string {
	switch tool {
	case "root":
		if os.Geteuid() != 0 {
			return "needs root: network and mount namespaces"
		}
		return ""
	case "thunderbird":
		if _, err := exec.LookPath(thunderbirdBinary); err != nil {
			return install(tool, "thunderbird")
		}
		return ""
	case "postgres":
		if postgresFolder() == "" {
			return install(tool, "postgresql")
		}
		return ""
	case "mariadbd":
		if !isInstalled(tool) {
			return install(tool, "mariadb-server")
		}
		return ""
	case "evolution":
		const packages = "evolution evolution-dev libebook1.2-dev pkg-config gcc dbus"
		for _, program := range []string{"gcc", "pkg-config", "dbus-run-session"} {
			if _, err := exec.LookPath(program); err != nil {
				return install(program, packages)
			}
		}
		// libebook1.2-dev is missing from evolution-dev's dependencies, and
		// without it pkg-config refuses the others.
		args := append([]string{"--exists"}, strings.Fields(evolutionLibraries)...)
		if err := exec.Command("pkg-config", args...).Run(); err != nil {
			return install("the Evolution library", packages)
		}
		return ""
	}
	if !isInstalled(tool) {
		return install(tool, debianPackage(tool))
	}
	return ""
}

// located is the path of a program. Daemons aren't in everybody's PATH.
func located(program string) string {
	if found, err := exec.LookPath(program); err == nil {
		return found
	}
	if in := filepath.Join("/usr/sbin", program); exists(in) {
		return in
	}
	return program
}

func isInstalled(program string) bool {
	_, err := exec.LookPath(located(program))
	return err == nil
}

func install(tool, packages string) string {
	return "needs " + tool + ": apt-get install -y --no-install-recommends " + packages
}

// debianPackage names the package of a program whose name differs from it.
func debianPackage(program string) string {
	switch program {
	case "unshare":
		return "util-linux"
	case "ip":
		return "iproute2"
	case "xmllint":
		return "libxml2-utils"
	case "plistutil":
		return "libplist-utils"
	case "dovecot", "doveconf", "doveadm":
		return "dovecot-imapd dovecot-pop3d"
	case "node":
		return "nodejs"
	case "named", "tsig-keygen":
		return "bind9"
	case "postfix", "postconf":
		return "postfix"
	case "ldapadd", "ldapwhoami":
		return "ldap-utils"
	case "dig":
		return "bind9-dnsutils"
	}
	return strings.ToLower(program)
}

// evolutionLibraries are the pkg-config names of what evolution.c uses.
const evolutionLibraries = "evolution-mail-3.0 camel-1.2"
