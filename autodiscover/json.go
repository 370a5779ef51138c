package autodiscover

import (
	"encoding/json"
	"strings"
)

// protocolV1 is the one protocol that the second version can send clients to.
const protocolV1 = "AutodiscoverV1"

// IsProtocolV1 tells whether a request asks where the POX service is. Outlook
// writes Autodiscoverv1, others AutodiscoverV1.
func IsProtocolV1(name string) bool { return strings.EqualFold(name, protocolV1) }

// RenderJSON says where the POX service is.
func RenderJSON(url string) []byte {
	return marshal(struct{ Protocol, Url string }{protocolV1, url}) // the key is "Url"
}

// JSONError is an error of the second version.
type JSONError int

// The errors, as Exchange Online words them.
const (
	JSONMissingAddress JSONError = iota
	JSONBadAddress
	JSONUnknownUser
	JSONMissingProtocol
	JSONInvalidProtocol
)

var jsonErrors = map[JSONError][2]string{
	JSONMissingAddress:  {"MandatoryParameterMissing", "A valid smtp address must be provided"},
	JSONBadAddress:      {"InvalidEmailAddress", "A valid smtp address must be provided"},
	JSONUnknownUser:     {"UserNotFound", "The given user is not found"},
	JSONMissingProtocol: {"MandatoryParameterMissing", "The Protocol parameter is missing"},
	JSONInvalidProtocol: {"InvalidProtocol", "The given protocol value is invalid. Supported values are 'AutodiscoverV1'"},
}

// RenderJSONError writes an error. Nothing of the request is repeated.
func RenderJSONError(code JSONError) []byte {
	return marshal(struct{ ErrorCode, ErrorMessage string }{jsonErrors[code][0], jsonErrors[code][1]})
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of strings
	}
	return append(text, '\n')
}
