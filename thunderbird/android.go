package thunderbird

import (
	"bytes"
	"encoding/json"
	"errors"

	"autoconfig/settings"
)

// What the import of Thunderbird for Android can't take.
var (
	ErrAndroidAuth    = errors.New("none of the server's mechanisms is known to Thunderbird for Android")
	ErrAndroidAddress = errors.New("an address that isn't ASCII can't be imported by Thunderbird for Android")
)

// The numbers of the format (thunderbird-android, feature/migration/qrcode/
// qr-code-format.md, version 1).
const (
	androidVersion = 1
	androidSMTP    = 0
)

var (
	androidProtocols = map[settings.Protocol]int{settings.IMAP: 0, settings.POP3: 1}
	androidSecurity  = map[settings.Security]int{settings.None: 0, settings.STARTTLS: 2, settings.TLS: 3}
	// GSSAPI (3) and NTLM (4) have numbers, but the app refuses them.
	androidAuth = map[settings.Auth]int{
		settings.AuthNone: 0, settings.AuthClientIP: 0,
		settings.AuthPlain: 1, settings.AuthLogin: 1, settings.AuthScramSHA1: 1, settings.AuthScramSHA256: 1,
		settings.AuthCramMD5: 2, settings.AuthExternal: 5, settings.AuthOAuthBearer: 6, settings.AuthXOAuth2: 6,
	}
)

// AndroidQR is what a QR code must hold so that Thunderbird for Android imports
// the account: the only way to give that app a POP3 account. It has no password.
func AndroidQR(s settings.Settings) ([]byte, error) {
	address := s.Typed.String()
	if !isASCII(address) || address == "" {
		return nil, ErrAndroidAddress
	}
	incoming, err := androidServer(androidProtocols[s.Decision.Protocol], s.Incoming, s.IncomingLogin)
	if err != nil {
		return nil, err
	}
	outgoing, err := androidServer(androidSMTP, s.Outgoing, s.OutgoingLogin)
	if err != nil {
		return nil, err
	}
	identity := []any{address, s.DisplayName}
	payload := []any{androidVersion, []any{1, 1}, incoming, []any{[]any{outgoing, identity}}}

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // a QR code has room for few bytes
	if err := encoder.Encode(payload); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func androidServer(protocol int, s settings.Server, login settings.Login) ([]any, error) {
	for _, a := range s.Auth {
		if auth, known := androidAuth[a]; known {
			return []any{protocol, s.Host, s.Port, androidSecurity[s.Security], auth, login.Literal}, nil
		}
	}
	return nil, ErrAndroidAuth
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
