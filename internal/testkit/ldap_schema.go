package testkit

// ActiveDirectorySchema has the names that Active Directory gives to what mail
// needs, with syntaxes like its own and object identifiers that are only ours. The
// class is called user, as there.
const ActiveDirectorySchema = `
attributetype ( 1.3.6.1.4.1.99999.7.1.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.7.1.2 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.7.1.3 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.7.1.4 NAME 'memberOf' EQUALITY distinguishedNameMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
attributetype ( 1.3.6.1.4.1.99999.7.1.5 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.7.1.6 NAME 'sAMAccountType' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.7.1.7 NAME 'accountExpires' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.7.2.1 NAME 'user' SUP top STRUCTURAL MUST cn
  MAY ( sAMAccountName $ userPrincipalName $ proxyAddresses $ memberOf $ userAccountControl
    $ sAMAccountType $ accountExpires $ displayName $ mail $ description ) )
`

// IRedMailSchema has iRedMail's names, with syntaxes like its own and object
// identifiers that are only ours.
const IRedMailSchema = `
attributetype ( 1.3.6.1.4.1.99999.8.1.1 NAME 'domainName' EQUALITY caseIgnoreIA5Match
  SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.8.1.2 NAME 'domainAliasName' EQUALITY caseIgnoreIA5Match
  SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.8.1.3 NAME 'domainStatus' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.8.1.4 NAME 'domainBackupMX' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.8.1.5 NAME 'accountStatus' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.8.1.6 NAME 'mailQuota' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.8.1.7 NAME 'shadowAddress' EQUALITY caseIgnoreIA5Match
  SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.8.1.8 NAME 'memberOfGroup' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.8.1.9 NAME 'enabledService' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.8.1.10 NAME 'mailForwardingAddress' EQUALITY caseIgnoreIA5Match
  SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.3.6.1.4.1.99999.8.2.1 NAME 'mailDomain' SUP top STRUCTURAL MUST domainName
  MAY ( cn $ domainAliasName $ domainBackupMX $ accountStatus $ enabledService $ description ) )
objectclass ( 1.3.6.1.4.1.99999.8.2.2 NAME 'mailUser' SUP top AUXILIARY MUST ( mail $ uid )
  MAY ( mailQuota $ shadowAddress $ accountStatus $ enabledService $ memberOfGroup $ domainStatus
    $ mailForwardingAddress ) )
objectclass ( 1.3.6.1.4.1.99999.8.2.3 NAME 'mailAlias' SUP top STRUCTURAL MUST mail
  MAY ( cn $ mailForwardingAddress $ shadowAddress $ accountStatus $ enabledService $ domainStatus $ memberOfGroup ) )
`
