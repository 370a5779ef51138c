package store

import "io/fs"

// Embedded are the migrations as they are.
var Embedded = embedded

// WithMigrations opens a database as a later version would.
func (o Options) WithMigrations(all fs.FS) Options {
	o.migrations = all
	return o
}

// Kept and LeftOut are for the test that holds them against the schema.
var (
	Kept    = kept
	LeftOut = leftOut
	// PageSize is how many are read at once.
	PageSize = pageSize
	// ListedAfter is the question for a page of listed names.
	ListedAfter = listedAfter + ` ORDER BY s.name LIMIT ?`
)
