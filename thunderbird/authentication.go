package thunderbird

import (
	"slices"

	"autoconfig/settings"
)

// methods are the format's words for mechanisms. A client takes the first that
// it knows (draft, section 3.7.4.2).
//
// SCRAM is written as password-cleartext: the format's password-encrypted means
// CRAM-MD5 to Thunderbird and Evolution, which fail where a server has only
// SCRAM, while over TLS a server with SCRAM takes PLAIN as well.
var methods = map[settings.Auth]string{
	settings.AuthPlain:       "password-cleartext",
	settings.AuthLogin:       "password-cleartext",
	settings.AuthScramSHA1:   "password-cleartext",
	settings.AuthScramSHA256: "password-cleartext",
	settings.AuthCramMD5:     "password-encrypted",
	settings.AuthDigestMD5:   "password-encrypted",
	settings.AuthNTLM:        "NTLM",
	settings.AuthGSSAPI:      "GSSAPI",
	settings.AuthExternal:    "TLS-client-cert",
	settings.AuthOAuthBearer: "OAuth2",
	settings.AuthXOAuth2:     "OAuth2",
	settings.AuthNone:        "none",
	settings.AuthClientIP:    "client-IP-address",
}

// authentication is the list of methods in the server's order, each once.
func authentication(auth []settings.Auth) []string {
	var list []string
	for _, a := range auth {
		if m := methods[a]; !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// hasLogin tells whether any mechanism needs a name.
func hasLogin(auth []settings.Auth) bool {
	return slices.ContainsFunc(auth, func(a settings.Auth) bool {
		return a != settings.AuthNone && a != settings.AuthClientIP
	})
}
