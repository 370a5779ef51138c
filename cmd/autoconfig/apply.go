package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/settings"
)

// defaultSite is the site file that is read if none is named.
const defaultSite = "site.yaml"

type applyCmd struct {
	jsonFlag
	File   string `arg:"" default:"site.yaml" help:"The site file: site.yaml here, else beside the configuration."`
	DryRun bool   `help:"Show what would change, and change nothing. Exit status 1 if anything would."`
}

func (a *applyCmd) Help() string {
	return `Reads a whole site, checks all of it, and makes it what is served: all or nothing.
What is served and isn't in the file is removed, but overrides stay unless the file has
the key "overrides" (as "export" writes it where there are any). A running "serve" uses it within
a second. Warnings name settings that some programs will not get as intended.

Examples:
  autoconfig apply --dry-run
  autoconfig apply /etc/autoconfig/site.yaml`
}

func (a *applyCmd) Run(c *call) error {
	source, err := a.read(c)
	if err != nil {
		return err
	}
	site, warnings, err := config.ReadSite(a.File, source)
	if err != nil {
		return refusal{err}
	}
	app, err := openSite(c)
	if err != nil {
		return err
	}
	defer app.close()
	var changes config.Changes
	if a.DryRun {
		changes, err = app.admin().Compare(c, site)
	} else {
		changes, err = app.admin().Apply(c, admin.CommandLine(), site)
	}
	if wrong := (admin.Misplaced{}); errors.As(err, &wrong) {
		return refusal{config.At(a.File, source, wrong.Path, app.inWords(wrong.Err))}
	} else if err != nil {
		return err
	}
	warnings = append(warnings, formatWarnings(site)...)
	if err := a.report(c, changes, warnings); err != nil {
		return err
	}
	if a.DryRun && !changes.Empty() {
		return errFinding
	}
	return nil
}

// read reads the site file. Without a name it is the one here, else the one beside the
// configuration.
func (a *applyCmd) read(c *call) ([]byte, error) {
	if _, err := os.Stat(a.File); a.File != defaultSite || !isntHere(err) {
		return os.ReadFile(a.File)
	}
	a.File = filepath.Join(filepath.Dir(c.configFile), defaultSite)
	source, err := os.ReadFile(a.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s here\nMake one with: autoconfig init\nOr name another: autoconfig apply FILE", defaultSite)
	}
	return source, err
}

func (a *applyCmd) report(c *call, changes config.Changes, warnings settings.Problems) error {
	if a.JSON {
		return c.json(map[string]any{"applied": !a.DryRun, "changes": append(config.Changes{}, changes...), "warnings": append(settings.Problems{}, warnings...)})
	}
	for _, w := range warnings {
		fmt.Fprintf(c.std.err, "warning: %s: %s\n", w.Path, w.Text)
	}
	switch {
	case changes.Empty():
		c.printf("Nothing changes.\n")
	case a.DryRun:
		c.printf("%sNothing was changed: this was a dry run.\n", changes)
	default:
		c.printf("%sApplied.\n", changes)
	}
	return nil
}
