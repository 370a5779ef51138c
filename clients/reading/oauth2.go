package reading

import "strings"

// oauth2Hosts are the hosts for which Thunderbird 153 can do OAuth2, with all below them,
// and the types that it has scopes for; none stands for every type
// (modules/OAuth2Providers.sys.mjs).
var oauth2Hosts = map[string][]string{
	"googlemail.com": mail, "gmail.com": mail,
	"imap.mail.ru": nil, "smtp.mail.ru": nil,
	"imap.yandex.com": nil, "smtp.yandex.com": nil,
	"yahoo.com": nil, "att.net": nil, "aol.com": nil,
	"office365.com": microsoft, "outlook.com": microsoft, "hotmail.com": microsoft, "graph.microsoft.com": microsoft,
	"imap.fastmail.com": mail, "pop.fastmail.com": mail, "smtp.fastmail.com": mail,
	"imap.comcast.net": mail, "pop.comcast.net": mail, "smtp.comcast.net": mail,
	"thundermail.com": nil, "stage-thundermail.com": nil,
	"www.googleapis.com": nil, "apidata.googleusercontent.com": nil,
	"carddav.fastmail.com": nil, "caldav.fastmail.com": nil,
}

var (
	mail      = []string{"imap", "pop3", "smtp"}
	microsoft = append([]string{"ews", "exchange"}, mail...)
)

func knowsOAuth2(host, kind string) bool {
	for strings.Contains(host, ".") {
		if types, ok := oauth2Hosts[host]; ok {
			if types == nil {
				return kind != "exchange"
			}
			for _, t := range types {
				if t == kind {
					return true
				}
			}
			return false
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}
