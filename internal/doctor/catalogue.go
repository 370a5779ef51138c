package doctor

import (
	"slices"

	"autoconfig/clients"
)

// Catalogue returns the meanings of all codes.
func Catalogue() []Meaning { return catalogue }

var catalogue = slices.Concat(ofRecords, ofServers)

// ofRecords are the meanings of the codes about DNS records.
var ofRecords = []Meaning{
	{
		DNSLookupFailed, Error,
		"No name server gave a usable answer (but SERVFAIL, say): what it was asked for may be there or may be " +
			"missing. Checks that need it are left out.",
		"Check the zone's delegation, its DNSSEC and its name servers.",
	},
	{
		DNSTimeout, Error,
		"A name server can't be reached, or doesn't answer in time. After several such failures it isn't asked again.",
		"Check that it runs and that this machine can reach its UDP port 53. For this check, name " +
			"another resolver: --resolver.",
	},
	{
		DNSRefused, Error,
		"A name server refuses to answer. If it refuses only questions with EDNS, it is asked without EDNS, " +
			"and this is information.",
		"Permit the question: a resolver must answer this machine (BIND: allow-recursion, Unbound: " +
			"access-control), a zone's server everybody (BIND: allow-query). Check that the zone is loaded there.",
	},
	{
		DNSFormErr, Error,
		"A name server says that it can't read the question (FORMERR). If it says so only to questions with " +
			"EDNS, as old servers and firewalls do, it is asked without EDNS (RFC 6891, section 7), and this is " +
			"information.",
		"Update the name server, or let EDNS pass the firewall. For this check, name another resolver: " +
			"--resolver.",
	},
	{
		DNSNotImp, Error,
		"A name server says that it doesn't implement the question (NOTIMP). If it says so only to questions " +
			"with EDNS, it is asked without EDNS (RFC 6891, section 7), and this is information.",
		"Update the name server, so that it knows EDNS and all record types. For this check, name another " +
			"resolver: --resolver.",
	},
	{
		DNSBadVers, Error,
		"A name server takes version 0 of EDNS for an unknown version (BADVERS). It is asked without EDNS " +
			"(RFC 6891, section 7). If it answers then, this is information.",
		"Update the name server.",
	},
	{
		DNSEDNSDropped, Warning,
		"A name server doesn't answer questions with EDNS, but answers the same questions without. Resolvers " +
			"wait for it, and since 2019 many consider it dead (DNS flag day). For the resolver of this check, " +
			"this is information.",
		"Let EDNS pass the firewall in front of it (UDP packets of 1232 bytes), or update the name server.",
	},
	{
		DNSNoTCP, Error,
		"An answer doesn't fit into a UDP packet, and the name server can't be reached by TCP (RFC 7766). If " +
			"a larger packet brings the answer, the severity is lower.",
		"Open TCP port 53 at the name server and at the firewall in front of it.",
	},
	{
		DNSNoRecursion, Error,
		"The name server that was given as a resolver only refers to other servers; it doesn't ask them itself.",
		"Name a recursive resolver: --resolver, or check: {resolver: [...]} in the configuration.",
	},
	{
		DNSServerFailed, Warning,
		"One of the zone's own servers fails (no connection, or SERVFAIL). Programs become slow or fail from time to time.",
		"Start it, or take it out of the delegation.",
	},
	{
		DNSServerLame, Warning,
		"A server to which the zone is delegated doesn't know the zone.",
		"Configure the zone there, or take the server out of the delegation.",
	},
	{
		DNSDisagree, Warning,
		"A server of the zone disagrees with the resolver: an update hasn't reached it yet, or a cache is out of date.",
		"Wait for the time to live, or reload the zone at that server.",
	},
	{
		DNSSECUnsigned, Info,
		"The zone isn't signed. Programs can't tell genuine SRV records from forged ones (RFC 8314, section 5.1).",
		"Sign the zone.",
	},
	{
		SRVMissing, Warning,
		"A service that the policy offers has no SRV record. " + clients.Names(clients.BelievesSRV) + " and " +
			"others ask for it.",
		"Publish the record.",
	},
	{
		SRVNullMissing, Info,
		"The policy doesn't offer a service, but no record says so. Programs may try it.",
		"Publish the record \"0 0 0 .\".",
	},
	{
		SRVNotOffered, Error,
		"The record says that the service doesn't exist, but the policy offers it.",
		"Publish the record of the real server.",
	},
	{
		SRVOffered, Error,
		"The record offers a service that the policy doesn't have: programs set up accounts that don't work, or " +
			"in the wrong protocol.",
		"Replace it with \"0 0 0 .\".",
	},
	{
		SRVDotMixed, Error,
		"The record \"0 0 0 .\" appears alongside real ones. Which one counts depends on the program.",
		"Remove it, or remove the others.",
	},
	{
		SRVUnresolvable, Error,
		"The record points to a name without an address. If that name was given up, somebody else may register " +
			"it.",
		"Give the name an address, or change the record.",
	},
	{
		SRVTargetCNAME, Warning,
		"The record points to an alias, which RFC 2782 forbids. Some programs don't follow it.",
		"Name the host that the alias points to.",
	},
	{
		SRVTargetWrong, Error,
		"The record points to a different host than the one that is handed out.",
		"Change the record, or the policy. " + clients.Names(clients.BelievesSRV) + " follow the record.",
	},
	{
		SRVTargetForeign, Warning,
		"The record points outside the domain and isn't signed. Programs must ask the person, or refuse (RFC " +
			"8314, section 5.1). For _autodiscover, and for a host that the policy hands out, this is the purpose, " +
			"and information.",
		"Use a host within the domain, or sign the zone.",
	},
	{
		SRVPortWrong, Error,
		"The record's port isn't the one that is handed out.",
		"Change the record, or the policy. " + clients.Names(clients.BelievesSRV) + " follow the record.",
	},
	{
		SRVPortUnusual, Warning,
		"The port isn't the registered one. Programs that don't look up SRV records fail. For _autodiscover all " +
			"programs use 443.",
		"Use the registered port.",
	},
	{
		SRVPreference, Error,
		"The priorities prefer a protocol that isn't the domain's default (RFC 6186, section 3.4).",
		"Give the default protocol the lower priority number.",
	},
	{
		SRVCleartext, Warning,
		"STARTTLS is preferred to implicit TLS, which is safer (RFC 8314, section 3).",
		"Give the record of implicit TLS the lower priority number.",
	},
	{
		SRVSubmissions, Info,
		"Submission with implicit TLS is offered, but only the one with STARTTLS is published.",
		"Publish the record.",
	},
	{
		SRVDuplicate, Info,
		"A record is published twice.",
		"Remove one of them.",
	},
	{
		SRVTTL, Info,
		"The time to live is under a minute or over a day: programs ask too often, or keep a wrong answer for " +
			"too long.",
		"Use 300 to 3600 seconds.",
	},
	{
		DAVPath, Warning,
		"The record doesn't say where calendars or contacts are on their host: programs look in the wrong place.",
		"Publish the record.",
	},
	{
		SRVWildcard, Warning,
		"A wildcard answers for services that don't exist.",
		"Remove the wildcard below _tcp.",
	},
	{
		HostMissing, Error,
		"A special name, or this service's own name, has no address, so programs don't find this service. For " +
			"ua-auto-config this is information as long as no digest is published: without one, programs don't " +
			"ask there.",
		"Publish the record.",
	},
	{
		HostDangling, Error,
		"A special name is an alias of a name without an address: whoever registers that name can answer for " +
			"this domain.",
		"Point the alias at this service, or remove it.",
	},
	{
		HostNotOurs, Error,
		"A special name points to another machine than this service.",
		"Point it at this service, or remove the domain from the site.",
	},
	{
		HostWildcard, Warning,
		"A wildcard answers for the special names: programs get the answer of a web site that knows nothing " +
			"about them.",
		"Publish the special names themselves.",
	},
}

// MeaningOf is a code's. found is false for a code that this version doesn't have: one of a newer replica's.
func MeaningOf(code Code) (m Meaning, found bool) {
	i := slices.IndexFunc(catalogue, func(m Meaning) bool { return m.Code == code })
	if i < 0 {
		return Meaning{}, false
	}
	return catalogue[i], true
}

// meaning is that of a code of ours.
func meaning(code Code) Meaning {
	m, found := MeaningOf(code)
	if !found {
		panic("doctor: the code " + string(code) + " has no meaning")
	}
	return m
}
