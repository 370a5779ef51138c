package main

import (
	"encoding/json"

	"autoconfig/internal/config"
)

type exportCmd struct {
	demoFlag
	jsonFlag
}

func (e *exportCmd) Help() string {
	return `Writes everything that is served as a site file, which "apply" reads back to the
same. It has the site's identity: keep it, so that profiles on people's devices are
replaced and not doubled after a move.

Example:
  autoconfig export > site.yaml`
}

func (e *exportCmd) Run(c *call) error {
	source, err := e.open(c)
	if err != nil {
		return err
	}
	defer source.close()
	site, err := source.store.Site(c)
	if err != nil {
		return err
	}
	if e.JSON {
		enc := json.NewEncoder(c.std.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(site)
	}
	return config.WriteSite(c.std.out, site)
}
