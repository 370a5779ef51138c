package store

// Kept and LeftOut are for the test that holds them against the schema.
var (
	Kept    = kept
	LeftOut = leftOut
	// PageSize is how many are read at once.
	PageSize = pageSize
)
