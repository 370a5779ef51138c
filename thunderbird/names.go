package thunderbird

// Where clients ask (draft-ietf-mailmaint-autoconfig, section 4.2).
const (
	// HostLabel is put before a domain for the host that answers for it.
	HostLabel = "autoconfig"
	// Path is where that host has the document.
	Path = "/mail/config-v1.1.xml"
	// PathWellKnown is where the domain's own host has it.
	PathWellKnown = "/.well-known/autoconfig/mail/config-v1.1.xml"
)
