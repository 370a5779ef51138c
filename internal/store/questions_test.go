package store

// The questions of [Store.Lookup] and [Store.LookupDigest], to have them explained.
const (
	KeptByKey    = keptByKey
	KeptByDigest = keptByDigest
)
