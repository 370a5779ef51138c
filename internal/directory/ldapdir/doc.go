// Package ldapdir finds accounts in a directory server: OpenLDAP, Active Directory,
// iRedMail's, or any other that speaks LDAP version 3. It only reads.
//
// What an operator writes is a filter for one account, with placeholders for the
// address, and the names of the attributes; [Preset] has them for common servers.
//
// Nothing is taken on trust. The server's certificate is verified with its name,
// and passwords and answers go over the network encrypted or not at all. An entry
// counts only if it names the address that was asked for itself: servers match by
// rules of their own, some of which ignore accents and blanks. Referrals aren't
// followed, since they lead to an address that somebody else has chosen. Time,
// connections, entries and bytes are bounded.
package ldapdir
