package ldapdir

import "slices"

// PresetInfo describes a preset.
type PresetInfo struct {
	Name string
	// Version is the version of the server on which it is based.
	Version string
	Doc     string
	Mapping Mapping
}

// Presets returns all presets. They describe entries; the operator configures servers, base
// and reader.
func Presets() []PresetInfo {
	return []PresetInfo{
		{
			Name:    "openldap",
			Version: "RFC 2798 (inetOrgPerson), OpenLDAP 2.5.13",
			Doc: "Entries of the class inetOrgPerson: uid is the login, and mail has the addresses, the first of which is " +
				"the mailbox's own. " +
				"Groups are those of the memberof overlay, by their cn.",
			Mapping: Mapping{
				Filter:       "(&(objectClass=inetOrgPerson)(mail={address}))",
				SearchFilter: "(&(objectClass=inetOrgPerson)(mail=*)(|(mail=*{text}*)(cn=*{text}*)(displayName=*{text}*)))",
				ListFilter:   "(&(objectClass=inetOrgPerson)(mail=*))",
				Attributes: Attributes{
					Address: "mail", Addresses: "mail", Login: "uid", Name: "displayName,cn",
					Groups: "memberOf",
				},
			},
		},
		{
			Name:    "active-directory",
			Version: "Microsoft Open Specifications MS-ADA1 to MS-ADA3 and MS-ADTS (Windows Server 2022)",
			Doc: "Users, with the value of proxyAddresses that begins with SMTP: in capitals as the mailbox's address, or " +
				"else mail; what else the two " +
				"have are its other addresses. A user with neither has userPrincipalName for an address. userPrincipalName is " +
				"the login. Users that are disabled " +
				"(userAccountControl, bit 2), as those of shared mailboxes and rooms are, and those that have expired " +
				"(accountExpires) aren't known; " +
				"a server other than Active Directory must know its matching rule " +
				"1.2.840.113556.1.4.803, or the filters must be written without it: the bit is looked at in the entry as well. " +
				"Bind as a plain user, by its distinguished name or as user@domain.",
			Mapping: Mapping{
				// 805306368 is an account of a person (SAM_NORMAL_USER_ACCOUNT): no
				// computers, no contacts. proxyAddresses is matched in any letter case.
				// userPrincipalName counts only where the entry has no other address: without
				// Exchange, nobody fills in the others, and people know it as their address.
				Filter: "(&(sAMAccountType=805306368)(!(userAccountControl:1.2.840.113556.1.4.803:=2))" +
					"(|(mail={address})(proxyAddresses=smtp:{address})(userPrincipalName={address})))",
				SearchFilter: "(&(sAMAccountType=805306368)(!(userAccountControl:1.2.840.113556.1.4.803:=2))" +
					"(|(mail=*{text}*)(proxyAddresses=smtp:*{text}*)(userPrincipalName=*{text}*)(displayName=*{text}*)))",
				ListFilter: "(&(sAMAccountType=805306368)(!(userAccountControl:1.2.840.113556.1.4.803:=2))" +
					"(|(mail=*)(proxyAddresses=smtp:*)(userPrincipalName=*)))",
				Attributes: Attributes{
					Address: "mail,userPrincipalName", Addresses: "proxyAddresses", Login: "userPrincipalName", Name: "displayName",
					Groups: "memberOf",
				},
				Enabled: Enabled{Attribute: "userAccountControl", DisabledBit: 2, Expires: "accountExpires"},
			},
		},
		{
			Name:    "iredmail",
			Version: "iRedMail 1.8.1: its schema, and its settings of Postfix and Dovecot for OpenLDAP",
			Doc: "Mailboxes (mailUser) that are active and may have mail, with shadowAddress as other addresses; the login " +
				"is the address. " +
				"An alias (mailAlias) counts if it leads to one mailbox. Domains are known, with their aliases. " +
				"The base is o=domains and what follows; cn=vmail may read it.",
			Mapping: Mapping{
				Filter: "(&(objectClass=mailUser)(accountStatus=active)(!(domainStatus=disabled))(enabledService=mail)" +
					"(|(mail={address})(shadowAddress={address})))",
				AliasFilter: "(&(objectClass=mailAlias)(accountStatus=active)(!(domainStatus=disabled))(enabledService=mail)" +
					"(enabledService=deliver)(|(mail={address})(shadowAddress={address})))",
				SearchFilter: "(&(objectClass=mailUser)(accountStatus=active)(!(domainStatus=disabled))(enabledService=mail)" +
					"(|(mail=*{text}*)(shadowAddress=*{text}*)(cn=*{text}*)))",
				ListFilter: "(&(objectClass=mailUser)(accountStatus=active)(!(domainStatus=disabled))(enabledService=mail))",
				Attributes: Attributes{
					Address: "mail", Addresses: "shadowAddress", Name: "cn", Groups: "memberOfGroup", Quota: "mailQuota",
					Target: "mailForwardingAddress",
				},
				DomainFilter: "(&(objectClass=mailDomain)(accountStatus=active)(enabledService=mail)(!(domainBackupMX=yes))" +
					"(|(domainName={domain})(&(enabledService=domainalias)(domainAliasName={domain}))))",
				DomainListFilter: "(&(objectClass=mailDomain)(accountStatus=active)(enabledService=mail)(!(domainBackupMX=yes)))",
				DomainAttributes: DomainAttributes{Name: "domainName", Aliases: "domainAliasName"},
			},
		},
	}
}

// Preset returns the preset with a name.
func Preset(name string) (Mapping, bool) {
	presets := Presets()
	i := slices.IndexFunc(presets, func(p PresetInfo) bool { return p.Name == name })
	if i < 0 {
		return Mapping{}, false
	}
	return presets[i].Mapping, true
}
