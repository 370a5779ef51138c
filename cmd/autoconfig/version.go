package main

import "runtime"

type versionCmd struct{ jsonFlag }

func (v *versionCmd) Run(c *call) error {
	if v.JSON {
		return c.json(map[string]string{"version": version, "go": runtime.Version()})
	}
	c.printf("autoconfig %s (%s)\n", version, runtime.Version())
	return nil
}
