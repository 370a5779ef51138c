package autodiscover

import (
	"strconv"
	"time"
)

// ErrorCode is an error in Autodiscover's own words (MS-OXDSCLI, section
// 2.2.4.1.1.3.2). It goes out with HTTP status 200.
type ErrorCode int

// The codes that this service answers.
const (
	AddressNotFound   ErrorCode = 500 // the domain isn't served, or a distinguished name
	NoConfiguration   ErrorCode = 501 // the format can't say the account's settings
	Malformed         ErrorCode = 600
	SchemaUnavailable ErrorCode = 601 // also for MobileSync: there is no ActiveSync here
)

var messages = map[ErrorCode]string{
	AddressNotFound:   "The e-mail address cannot be found",
	NoConfiguration:   "No configuration is available for this e-mail address",
	Malformed:         "Invalid request",
	SchemaUnavailable: "Schema not available",
}

// String is the code in digits.
func (c ErrorCode) String() string { return strconv.Itoa(int(c)) }

// RenderError writes the error reply. at is the time of the answer.
//
// A MobileSync request for which there is no provider gets the same form as any
// other: without a provider nobody could speak MobileSync's own schema
// (MS-ASCMD, section 4.2.2, shows error 601 in it).
func RenderError(code ErrorCode, at time.Time) []byte {
	doc, response := newResponse("")
	e := response.CreateElement("Error")
	e.CreateAttr("Time", at.UTC().Format("15:04:05.0000000"))
	e.CreateAttr("Id", "1") // identifies the server; there is nothing to tell about it
	element(e, "ErrorCode", code.String())
	element(e, "Message", messages[code])
	e.CreateElement("DebugData")
	text, err := write(doc)
	if err != nil {
		panic(err) // only constants are written, into memory
	}
	return text
}
