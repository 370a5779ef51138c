package doctor

import "autoconfig/clients"

// The codes, in the order of docs/checks.md.
const (
	DNSLookupFailed  Code = "DNS-LOOKUP-FAILED"
	DNSServerFailed  Code = "DNS-SERVER-FAILED"
	DNSServerLame    Code = "DNS-SERVER-LAME"
	DNSDisagree      Code = "DNS-DISAGREE"
	DNSSECUnsigned   Code = "DNSSEC-UNSIGNED"
	SRVMissing       Code = "SRV-MISSING"
	SRVNullMissing   Code = "SRV-NULL-MISSING"
	SRVNotOffered    Code = "SRV-NOT-OFFERED-CONTRADICTS"
	SRVOffered       Code = "SRV-OFFERED-CONTRADICTS"
	SRVDotMixed      Code = "SRV-DOT-MIXED"
	SRVUnresolvable  Code = "SRV-TARGET-UNRESOLVABLE"
	SRVTargetCNAME   Code = "SRV-TARGET-CNAME"
	SRVTargetWrong   Code = "SRV-TARGET-MISMATCH"
	SRVTargetForeign Code = "SRV-TARGET-FOREIGN"
	SRVPortWrong     Code = "SRV-PORT-MISMATCH"
	SRVPortUnusual   Code = "SRV-PORT-NONSTANDARD"
	SRVPreference    Code = "SRV-PREFERENCE-WRONG"
	SRVCleartext     Code = "SRV-CLEARTEXT-PREFERRED"
	SRVSubmissions   Code = "SRV-SUBMISSIONS-MISSING"
	SRVDuplicate     Code = "SRV-DUPLICATE"
	SRVTTL           Code = "SRV-TTL-EXTREME"
	DAVPath          Code = "DAV-PATH-MISMATCH"
	SRVWildcard      Code = "SRV-WILDCARD"
	HostMissing      Code = "HOST-MISSING"
	HostDangling     Code = "HOST-DANGLING"
	HostNotOurs      Code = "HOST-NOT-OURS"
	HostWildcard     Code = "HOST-WILDCARD"
	TLSConnect       Code = "TLS-CONNECT-FAILED"
	TLSName          Code = "TLS-NAME-MISMATCH"
	TLSUntrusted     Code = "TLS-UNTRUSTED"
	TLSExpired       Code = "TLS-EXPIRED"
	TLSExpiring      Code = "TLS-EXPIRING"
	TLSOld           Code = "TLS-VERSION-OLD"
	TLSSRVID         Code = "TLS-SRVID-ABSENT"
	STARTTLSAbsent   Code = "STARTTLS-ABSENT"
	MailNotSpoken    Code = "MAIL-PROTOCOL-WRONG"
	MailAuth         Code = "MAIL-AUTH-MISMATCH"
	MailCleartext    Code = "MAIL-CLEARTEXT-LOGIN"
	HTTPUnreachable  Code = "HTTP-UNREACHABLE"
	HTTPStatus       Code = "HTTP-STATUS-WRONG"
	HTTPNotOurs      Code = "HTTP-NOT-OURS"
	HTTPPlain        Code = "HTTP-PLAIN"
	HTTPDowngrade    Code = "HTTP-DOWNGRADE"
	ContentType      Code = "CONTENT-TYPE-WRONG"
	AutoconfigApex   Code = "AUTOCONFIG-APEX-INTERCEPT"
	AutodiscoverApex Code = "AUTODISCOVER-APEX-INTERCEPT"
	ConfigUnreadable Code = "CONFIG-UNREADABLE"
	ConfigRefused    Code = "CONFIG-REFUSED"
	ConfigLogin      Code = "CONFIG-LOGIN"
	ConfigDisagrees  Code = "CONFIG-DISAGREES"
	ConfigPlaintext  Code = "CONFIG-PLAINTEXT-ONLY"
	ConfigOrder      Code = "CONFIG-STARTTLS-PREFERRED"
	ConfigValue      Code = "CONFIG-VALUE-UNKNOWN"
	ConfigEncryption Code = "CONFIG-ENCRYPTION-WITHOUT-SSL"
	MXIndirect       Code = "MX-INDIRECT-ONLY"
	MXPublicSuffix   Code = "MX-PUBLIC-SUFFIX"
	NothingPublished Code = "NOTHING-PUBLISHED"
	PolicyMisleads   Code = "POLICY-MISLEADS"
	PolicyServerless Code = "POLICY-SERVERLESS"
	PACCTXTMissing   Code = "PACC-TXT-MISSING"
	PACCTXTInvalid   Code = "PACC-TXT-INVALID"
	PACCDigest       Code = "PACC-DIGEST-MISMATCH"
	PACCUnreachable  Code = "PACC-UNREACHABLE"
)

// Catalogue has the meaning of every code.
func Catalogue() []Meaning { return catalogue }

var catalogue = []Meaning{
	{DNSLookupFailed, Error, "A name server did not answer, or answered SERVFAIL: what it was asked for is neither there nor missing. Checks that need it are left out.", "Look at the zone's delegation, its DNSSEC and its servers."},
	{DNSServerFailed, Warning, "One of the zone's own servers doesn't answer. Programs are slow, or fail now and then.", "Start it, or take it out of the delegation."},
	{DNSServerLame, Warning, "A server to which the zone is delegated doesn't know the zone.", "Configure the zone there, or take the server out of the delegation."},
	{DNSDisagree, Warning, "A server of the zone says something else than the resolver: an update hasn't arrived, or a cache is old.", "Wait for the time to live, or reload the zone at that server."},
	{DNSSECUnsigned, Info, "The zone isn't signed. Programs can't tell true SRV records from forged ones (RFC 8314, section 5.1).", "Sign the zone."},
	{SRVMissing, Warning, "A service that the policy offers has no SRV record. " + clients.Names(clients.BelievesSRV) + " and others ask for it.", "Publish the record."},
	{SRVNullMissing, Info, "A service that isn't offered doesn't say so. Programs may try it.", "Publish the record \"0 0 0 .\"."},
	{SRVNotOffered, Error, "The record says that the service isn't there, but the policy offers it.", "Publish the record of the real server."},
	{SRVOffered, Error, "The record offers a service that the policy doesn't have: programs set up accounts that don't work, or in the wrong protocol.", "Put \"0 0 0 .\" in its place."},
	{SRVDotMixed, Error, "The record \"0 0 0 .\" stands beside real ones. Programs choose as they like.", "Remove the one or the others."},
	{SRVUnresolvable, Error, "The record leads to a name without an address: a name that was given up may be registered by somebody else.", "Give the name an address, or change the record."},
	{SRVTargetCNAME, Warning, "The record leads to an alias, which it must not (RFC 2782). Some programs don't follow it.", "Name the host that the alias leads to."},
	{SRVTargetWrong, Error, "The record leads to another host than the one that is handed out.", "Change the record, or the policy."},
	{SRVTargetForeign, Warning, "The record leads out of the domain and isn't signed. Programs must ask the person, or refuse (RFC 8314, section 5.1).", "Use a host within the domain, or sign the zone."},
	{SRVPortWrong, Error, "The record's port isn't the one that is handed out.", "Change the record, or the policy."},
	{SRVPortUnusual, Warning, "The port isn't the registered one. Programs that don't ask for SRV fail; for _autodiscover all programs take 443.", "Use the registered port."},
	{SRVPreference, Error, "The numbers prefer a protocol that isn't the domain's default (RFC 6186, section 3.4).", "Give the default protocol the lower priority number."},
	{SRVCleartext, Warning, "STARTTLS is preferred over implicit TLS, which is the safer one (RFC 8314, section 3).", "Give the record of implicit TLS the lower priority number."},
	{SRVSubmissions, Info, "Submission with implicit TLS is offered, but only the one with STARTTLS is published.", "Publish the record."},
	{SRVDuplicate, Info, "A record is there twice.", "Remove one."},
	{SRVTTL, Info, "The time to live is under a minute or over a day: programs ask all the time, or keep what is wrong for long.", "Use 300 to 3600 seconds."},
	{DAVPath, Warning, "The record doesn't say where calendars or contacts are on their host: programs look at the wrong place.", "Publish the record."},
	{SRVWildcard, Warning, "A wildcard answers for services that don't exist.", "Remove the wildcard below _tcp."},
	{HostMissing, Error, "A special name has no address, so programs don't find this service.", "Publish the record."},
	{HostDangling, Error, "A special name is an alias of a name without an address: whoever registers that name answers for this domain.", "Lead the alias to this service, or remove it."},
	{HostNotOurs, Error, "A special name leads to another machine than this service.", "Lead it here, or take the domain out of the site."},
	{HostWildcard, Warning, "A wildcard answers for the special names: programs get the answer of a web site that knows nothing of them.", "Publish the special names themselves."},
	{TLSConnect, Error, "A server can't be reached, or doesn't speak TLS there.", "Start it, open its port, or correct the policy."},
	{TLSName, Error, "The certificate is for another name. Programs refuse it, or ask the person to accept anything.", "Get a certificate with that name."},
	{TLSUntrusted, Error, "The certificate doesn't lead to an authority that programs trust; often an intermediate is missing.", "Send the whole chain, or get a certificate from a public authority."},
	{TLSExpired, Error, "The certificate isn't valid today.", "Renew it, and look at what should have renewed it."},
	{TLSExpiring, Warning, "The certificate expires within two weeks.", "Renew it, and look at what should have renewed it."},
	{TLSOld, Warning, "The server speaks nothing newer than TLS 1.1, which programs refuse (RFC 8996).", "Turn on TLS 1.2 and 1.3."},
	{TLSSRVID, Info, "The certificate has neither the mail domain nor the SRV name in it, so what SRV says can't be verified by it (RFC 6125).", "Use hosts within the domain, or sign the zone."},
	{STARTTLSAbsent, Error, "STARTTLS is handed out, but the server doesn't offer it: programs fail, or send passwords in the clear.", "Turn it on, or hand out implicit TLS."},
	{MailNotSpoken, Error, "Something else than this protocol answers at the port.", "Correct the port, or the server."},
	{MailAuth, Error, "The server doesn't offer any mechanism that is handed out: nobody can log in.", "Make the policy's auth what the server offers."},
	{MailCleartext, Warning, "The server takes passwords before TLS. A program that is set up wrongly sends them in the clear.", "Dovecot: disable_plaintext_auth = yes. Postfix: smtpd_tls_auth_only = yes."},
	{HTTPUnreachable, Error, "A URL that programs ask can't be reached by https: no connection, or a certificate that isn't accepted. They go on to plain http, or guess.", "Lead the name to this service, and give it a certificate with that name."},
	{HTTPStatus, Error, "A URL that programs ask refuses them.", "Lead the name to this service; look at the proxy in front of it, and whether it hands on the Host."},
	{HTTPNotOurs, Error, "Something else than this service answers.", "Lead the name to this service."},
	{HTTPPlain, Warning, "The configuration is given over plain http: whoever is on the way can change it.", "Redirect plain http to https."},
	{HTTPDowngrade, Error, "A redirect leads from https to plain http.", "Redirect to https."},
	{ContentType, Error, "The media type isn't one that Thunderbird takes; it compares letter by letter and then gives up all URLs of the provider.", "Send text/xml; charset=utf-8."},
	{AutoconfigApex, Warning, "The domain's web site answers the well-known path with a page and status 200. Thunderbird takes that for an answer that it can't read, and gives up.", "Answer 404 below /.well-known/autoconfig/, or lead it here."},
	{AutodiscoverApex, Warning, "The domain's web site answers Autodiscover's path with a page and status 200. Outlook asks there first.", "Answer 404 below /autodiscover/, or lead it here."},
	{ConfigUnreadable, Error, "What is published can't be read.", "Correct the document."},
	{ConfigRefused, Error, "A mail program makes no account of what is published.", "Correct what it refuses; autoconfig simulate ADDRESS shows what each program makes of it."},
	{ConfigLogin, Error, "A mail program sets up a login that can't be the person's: a placeholder that it doesn't fill in, or what its reader makes of nothing.", "Write %EMAILADDRESS% or %EMAILLOCALPART% into autoconfig, and the login itself into Autodiscover."},
	{ConfigDisagrees, Error, "Different programs get different accounts: what is published differs from the policy, or from what is published elsewhere.", "Lead all names to one service."},
	{ConfigPlaintext, Error, "Only plaintext is offered: passwords go over the network in the clear.", "Offer implicit TLS."},
	{ConfigOrder, Warning, "STARTTLS or plaintext is ranked above implicit TLS.", "Put the server with implicit TLS first."},
	{ConfigValue, Error, "A value that no program understands, or a template that was never filled in.", "Write a value that the format has."},
	{ConfigEncryption, Error, "Encryption is stated, but SSL is off: Thunderbird and others then use plaintext.", "Set SSL to on."},
	{MXIndirect, Info, "Only the mail provider's own name answers. Programs then ask the person to agree.", "Publish autoconfig for the domain."},
	{MXPublicSuffix, Warning, "The MX stands right under a public suffix: programs then ask names that anybody may register.", "Publish autoconfig for the domain itself."},
	{NothingPublished, Info, "The domain publishes nothing: programs guess.", "Publish the records of this service: autoconfig dns DOMAIN."},
	{PolicyMisleads, Info, "Some accounts have another protocol than the domain's default. Programs that don't say for whom they ask (" + clients.Names(clients.SendsNoAddress) + ", and what believes SRV or PACC: " + clients.Names(clients.BelievesSRV) + ") set them up wrongly.", "Set up these people by a profile, a QR code (autoconfig render thunderbird-android ADDRESS) or by hand; autoconfig explain ADDRESS says whom it hits."},
	{PolicyServerless, Warning, "The source of some accounts decides a protocol that the domain has no server for. They get the domain's default, which may not be what they use.", "Give the domain a server for it, or change the source; autoconfig explain ADDRESS says what an account gets."},
	{PACCTXTMissing, Info, "There is a PACC document, but no digest of it in the DNS: programs don't take it.", "Publish the record."},
	{PACCTXTInvalid, Warning, "A record that is meant to be a PACC digest can't be read.", "Publish the record anew."},
	{PACCDigest, Error, "No digest in the DNS is that of the document: programs refuse it.", "Publish the digest of what is served; see: autoconfig pacc DOMAIN."},
	{PACCUnreachable, Error, "There is a PACC digest in the DNS, but no document.", "Lead ua-auto-config to this service, or remove the digest."},
}

func meaning(code Code) Meaning {
	for _, m := range catalogue {
		if m.Code == code {
			return m
		}
	}
	panic("doctor: the code " + string(code) + " has no meaning")
}
