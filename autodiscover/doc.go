// Package autodiscover speaks Outlook's Autodiscover for servers that aren't
// Exchange: it reads requests (MS-OXDSCLI, "POX"), and writes settings, errors and
// the JSON of the second version.
package autodiscover
