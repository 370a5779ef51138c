// Package ldapdir finds accounts in a directory server: OpenLDAP, Active Directory,
// iRedMail's, or any other that speaks LDAP version 3. It only reads.
//
// An operator configures a filter for one account, with placeholders for the address, and
// the names of the attributes; [Preset] has them for common servers.
//
// The server isn't trusted. Its certificate and name are verified, and passwords and
// answers cross the network encrypted or not at all. An entry counts only if it contains
// the requested address itself: servers have matching rules of their own, some of which
// ignore accents and blanks. Referrals aren't followed, since somebody else has chosen
// where they lead. Time, connections, entries and bytes are bounded.
package ldapdir
