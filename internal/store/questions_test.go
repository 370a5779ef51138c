package store

// Questions to have them explained: of [Store.Lookup] and [Store.LookupDigest], and
// about domains.
const (
	KeptByKey        = keptByKey
	KeptByDigest     = keptByDigest
	DomainByName     = domainByName
	DomainsAfter     = domainsAfter + inOrderOfName
	DomainsByNames   = domainsByNames + `?, ?)`
	PositionForName  = positionForName
	DomainsByAnyName = domainsByAnyName + `?, ?)`
	OwnersByNames    = ownersByNames + `?, ?)`
)
