package doctor

import "autoconfig/clients"

// Catalogue has the meaning of every code.
func Catalogue() []Meaning { return catalogue }

var catalogue = []Meaning{
	{
		DNSLookupFailed, Error,
		"No name server gave a usable answer (but SERVFAIL, say): what it was asked for may be there or may be " +
			"missing. Checks that need it are left out.",
		"Look at the zone's delegation, its DNSSEC and its servers.",
	},
	{
		DNSTimeout, Error,
		"A name server doesn't answer in time. After several such questions it isn't asked again.",
		"Check that it runs, and that its port 53 can be reached by UDP from here. For this check, name " +
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
		"Update the name server. There is no other version than 0.",
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
		"The name server that was given as a resolver refers to other servers, instead of asking them.",
		"Name a recursive resolver: --resolver, or check: {resolver: [...]} in the configuration.",
	},
	{
		DNSServerFailed, Warning,
		"One of the zone's own servers fails: no connection, or SERVFAIL. Programs are slow, or fail now and then.",
		"Start it, or take it out of the delegation.",
	},
	{
		DNSServerLame, Warning,
		"A server to which the zone is delegated doesn't know the zone.",
		"Configure the zone there, or take the server out of the delegation.",
	},
	{
		DNSDisagree, Warning,
		"A server of the zone disagrees with the resolver: an update hasn't arrived, or a cache is old.",
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
		"A service isn't offered, but no record says so. Programs may try it.",
		"Publish the record \"0 0 0 .\".",
	},
	{
		SRVNotOffered, Error,
		"The record says that the service isn't there, but the policy offers it.",
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
		"The record \"0 0 0 .\" appears alongside real ones. Each program chooses as it likes.",
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
	{
		TLSConnect, Error,
		"A server can't be reached, or doesn't speak TLS there.",
		"Start it, open its port, or correct the policy.",
	},
	{
		TLSName, Error,
		"The certificate is for another name. Programs refuse it, or ask the person to accept it anyway.",
		"Get a certificate with that name.",
	},
	{
		TLSUntrusted, Error,
		"The certificate's chain doesn't end at an authority that programs trust. Often an intermediate " +
			"certificate is missing.",
		"Send the whole chain, or get a certificate from a public authority.",
	},
	{
		TLSExpired, Error,
		"The certificate isn't valid today.",
		"Renew it, and find out why it wasn't renewed automatically.",
	},
	{
		TLSExpiring, Warning,
		"The certificate expires within two weeks.",
		"Renew it, and find out why it wasn't renewed automatically.",
	},
	{
		TLSOld, Warning,
		"The server supports nothing newer than TLS 1.1, which programs refuse (RFC 8996).",
		"Turn on TLS 1.2 and 1.3.",
	},
	{
		TLSSRVID, Info,
		"The certificate contains neither the mail domain nor the SRV name, so it can't confirm the SRV record " +
			"(RFC 6125).",
		"Use hosts within the domain, or sign the zone.",
	},
	{
		STARTTLSAbsent, Error,
		"STARTTLS is handed out, but the server doesn't offer it: programs fail, or send passwords in the clear.",
		"Turn it on, or hand out implicit TLS.",
	},
	{
		MailNotSpoken, Error,
		"The port is answered by another protocol.",
		"Correct the port, or the server.",
	},
	{
		MailAuth, Error,
		"The server offers none of the authentication mechanisms that are handed out: nobody can log in.",
		"Set the policy's auth to what the server offers.",
	},
	{
		MailCleartext, Warning,
		"The server accepts passwords before TLS. A misconfigured program sends them in the clear.",
		"Dovecot: disable_plaintext_auth = yes. Postfix: smtpd_tls_auth_only = yes.",
	},
	{
		HTTPUnreachable, Error,
		"A URL that programs request can't be reached over https: no connection, or a certificate that isn't " +
			"accepted. They fall back to plain http, or guess.",
		"Point the name at this service, and give it a certificate with that name.",
	},
	{
		HTTPStatus, Error,
		"A URL that programs request refuses them.",
		"Point the name at this service. If there is a proxy in front of it, check that it passes the Host on.",
	},
	{
		HTTPNotOurs, Error,
		"Something other than this service answers.",
		"Point the name at this service.",
	},
	{
		HTTPPlain, Warning,
		"The configuration is served over plain http: anybody on the path can change it.",
		"Redirect plain http to https.",
	},
	{
		HTTPDowngrade, Error,
		"A redirect leads from https to plain http.",
		"Redirect to https.",
	},
	{
		RedirectPrivate, Error,
		"A redirect leads to an address of the reader's own machine or network (127.0.0.1, 10.0.0.0/8 and " +
			"others): programs ask whatever is there, or nothing.",
		"Redirect to the name by which everybody reaches the service. Often the host name isn't set in a " +
			"panel.",
	},
	{
		RedirectBroken, Error,
		"A redirect leads to a URL that can't be reached: no such host, no connection, or no valid " +
			"certificate. At the domain's own host, which doesn't have to publish anything, this is information.",
		"Correct the Location, or get a certificate for the host that it names.",
	},
	{
		RedirectLoop, Error,
		"Redirects lead in a circle, or over more than 20 URLs. Programs give up.",
		"Correct the Location. Often a proxy terminates TLS and doesn't tell the server behind it " +
			"(X-Forwarded-Proto).",
	},
	{
		RedirectNowhere, Error,
		"The answer has the status of a redirect, but no Location.",
		"Send a Location, or the document with status 200.",
	},
	{
		RedirectForeign, Info,
		"A redirect leads to another domain. Outlook asks the person first, and others may.",
		"If this is intended, nothing. Otherwise point the name itself at the service (CNAME).",
	},
	{
		RedirectRelative, Info,
		"The Location of a redirect has no host. Today's programs accept it (RFC 9110, section 10.2.2), older" +
			" ones don't.",
		"Write the whole URL.",
	},
	{
		ContentType, Error,
		"The media type isn't one that Thunderbird accepts. It compares letter by letter, and otherwise gives up " +
			"all URLs of the provider.",
		"Send text/xml; charset=utf-8.",
	},
	{
		AutoconfigApex, Warning,
		"The domain's web site answers the well-known path with a page and status 200. Thunderbird takes that " +
			"for an answer that it can't read, and gives up.",
		"Answer 404 below /.well-known/autoconfig/, or proxy it to this service.",
	},
	{
		AutodiscoverApex, Warning,
		"The domain's web site answers Autodiscover's path with a page and status 200. Outlook asks there first.",
		"Answer 404 below /autodiscover/, or proxy it to this service.",
	},
	{
		ConfigUnreadable, Error,
		"What is published can't be read.",
		"Correct the document.",
	},
	{
		ConfigRefused, Error,
		"A mail program can't make an account from what is published.",
		"Correct what it refuses; autoconfig simulate ADDRESS shows what each program makes of it.",
	},
	{
		ConfigLogin, Error,
		"A mail program sets up a login that can't be the person's: a placeholder that it doesn't fill in, or " +
			"what it makes of an empty value.",
		"Use %EMAILADDRESS% or %EMAILLOCALPART% in autoconfig, and the login itself in Autodiscover.",
	},
	{
		ConfigDisagrees, Error,
		"Different programs get different accounts: what is published differs from the policy, or from what is " +
			"published elsewhere.",
		"Point all names at one service.",
	},
	{
		ConfigNotFound, Error,
		"Something is published, but a mail program finds no account in it.",
		"Look at what the program gets: autoconfig simulate ADDRESS shows each step.",
	},
	{
		ConfigWeaker, Warning,
		"A mail program uses a server with less security than another one that is published, because of their order " +
			"or because of how the security is written. It is an error where passwords go in the clear.",
		"Publish one server for each protocol, with implicit TLS, and write socketType as SSL or STARTTLS.",
	},
	{
		ConfigPort, Warning,
		"The security that is published doesn't fit the port, which is registered for the other way of encryption. " +
			"Programs differ in which of the two they believe.",
		"Correct the security or the port: 993, 995 and 465 have implicit TLS, 143, 110 and 587 have STARTTLS.",
	},
	{
		ConfigLeftOut, Warning,
		"Autodiscover leaves something out that programs fill in differently.",
		"Write LoginName, Port, SPA and SSL for every server.",
	},
	{
		ConfigPlaintext, Error,
		"Only plaintext is offered: passwords go over the network in the clear.",
		"Offer implicit TLS.",
	},
	{
		ConfigOrder, Warning,
		"STARTTLS or plaintext is ranked above implicit TLS.",
		"Put the server with implicit TLS first.",
	},
	{
		ConfigValue, Error,
		"A value that no program understands, or a template that was never filled in.",
		"Use a value that the format defines.",
	},
	{
		ConfigEncryption, Error,
		"Encryption is set, but SSL is off: Thunderbird and others then use plaintext.",
		"Set SSL to on.",
	},
	{
		MXMissing, Info,
		"The domain has no MX, or one that says that it accepts no mail (RFC 7505). Mail to its addresses " +
			"goes to the host of the same name, or nowhere.",
		"Publish the record, with the host that receives the domain's mail.",
	},
	{
		MXIndirect, Info,
		"Only the mail provider's own name answers. Programs then ask the person to agree.",
		"Publish autoconfig for the domain.",
	},
	{
		MXPublicSuffix, Warning,
		"The MX is directly under a public suffix: programs then ask names that anybody may register.",
		"Publish autoconfig for the domain itself.",
	},
	{
		NothingPublished, Info,
		"The domain publishes nothing: programs guess.",
		"Publish the records of this service: autoconfig dns DOMAIN.",
	},
	{
		PolicyMisleads, Info,
		"Some accounts have a different protocol than the domain's default. Programs that don't say for whom " +
			"they ask (" + clients.Names(clients.SendsNoAddress) + ", and what believes SRV or PACC: " +
			clients.Names(clients.BelievesSRV) + ") set them up wrongly.",
		"Set up these people with a profile, with a QR code (autoconfig render thunderbird-android ADDRESS) or " +
			"by hand; autoconfig explain ADDRESS says which programs are affected.",
	},
	{
		PolicyServerless, Warning,
		"The source of some accounts sets a protocol that the domain has no server for. They get the domain's " +
			"default, which may not be what they use.",
		"Give the domain a server for it, or change the source; autoconfig explain ADDRESS says what an account " +
			"gets.",
	},
	{
		PACCTXTMissing, Info,
		"There is a PACC document, but no digest of it in the DNS: programs don't accept it.",
		"Publish the record.",
	},
	{
		PACCTXTInvalid, Warning,
		"A record that is meant to be a PACC digest can't be read.",
		"Publish the record again.",
	},
	{
		PACCDigest, Error,
		"No digest in the DNS matches the document: programs refuse it.",
		"Publish the digest of what is served; see: autoconfig pacc DOMAIN.",
	},
	{
		PACCUnreachable, Error,
		"There is a PACC digest in the DNS, but no document.",
		"Point ua-auto-config at this service, or remove the digest.",
	},
}

func meaning(code Code) Meaning {
	for _, m := range catalogue {
		if m.Code == code {
			return m
		}
	}
	panic("doctor: the code " + string(code) + " has no meaning")
}
