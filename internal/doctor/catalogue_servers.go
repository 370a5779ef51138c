package doctor

import "autoconfig/clients"

// ofServers are the meanings of the codes about mail servers and web servers.
var ofServers = []Meaning{
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
		CertDNS, Info,
		"The service gets no certificate for the name, since the name doesn't lead to it. The findings about the " +
			"name itself say what programs make of that.",
		"Point the name at this service, or set acme.addresses to the addresses that lead here through a load " +
			"balancer.",
	},
	{
		CertReach, Error,
		"The authority tried to check the name and got no answer: a firewall blocks it, or the port leads elsewhere.",
		"Let the authority reach port 80 (http_listen) or 443 (listen) of this service from the Internet.",
	},
	{
		CertCAA, Error,
		"The domain's CAA record allows other authorities only (RFC 8659).",
		"Allow the authority in the domain's CAA record, or remove the record.",
	},
	{
		CertLimit, Error,
		"A limit of the authority is reached.",
		"Wait: the service tries again by itself. The authority's documentation has its limits.",
	},
	{
		CertOwnLimit, Error,
		"The limit of this service (acme.orders_per_hour) is reached.",
		"Wait: the service tries again by itself. Or raise acme.orders_per_hour.",
	},
	{
		CertRefused, Error,
		"The authority doesn't issue for the name; its reason is shown.",
		"Read the authority's reason. Another authority (acme.directory) may issue for the name.",
	},
	{
		CertAccount, Error,
		"The authority refuses this service's account.",
		"Check acme.contact, acme.external_account and acme.agree_to_terms.",
	},
	{
		CertServer, Error,
		"The ACME server is down or fails.",
		"Wait: the service tries again by itself. Check that this machine can reach the ACME server and that its " +
			"clock is right.",
	},
	{
		CertInternal, Error,
		"The service couldn't get the certificate because of an error on its own side.",
		"Look at the service's log.",
	},
	{
		STARTTLSAbsent, Error,
		"STARTTLS is handed out, but the server doesn't offer it. Programs fail or send passwords in the clear.",
		"Turn it on, or hand out implicit TLS.",
	},
	{
		MailNotSpoken, Error,
		"Another protocol answers at the port.",
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
		"A URL that programs request answers with an error status.",
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
		"A mail program can't set up an account from what is published.",
		"Correct what it refuses. autoconfig simulate ADDRESS shows what each program does with it.",
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
		"autoconfig simulate ADDRESS shows each step of the program.",
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
		"Autodiscover omits a value that programs fill in differently.",
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
		"No program understands the value, or it is a template that was never filled in.",
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
