package autodiscover

// Where clients ask.
const (
	// HostLabel is put before a domain for the host that answers for it.
	HostLabel = "autodiscover"
	// SRVLabel is put before a domain for the record that leads to another host.
	SRVLabel = "_autodiscover._tcp"
	// Path takes POX requests, by POST.
	Path = "/autodiscover/autodiscover.xml"
	// PathJSON answers Autodiscover v2, which leads to Path.
	PathJSON = "/autodiscover/autodiscover.json"
)

// RequestFor is the request that Thunderbird posts for an address. It puts the
// address in without escaping (ExchangeAutoDiscover.sys.mjs), and so does this.
func RequestFor(address string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
		`<Request><EMailAddress>` + address +
		`</EMailAddress><AcceptableResponseSchema>` + OutlookSchema + `</AcceptableResponseSchema></Request></Autodiscover>`
}
