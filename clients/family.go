package clients

import "strings"

// Family is a kind of programs that their requests distinguish. It is a guess, as any program may send any
// User-Agent.
type Family uint8

// The families. Their number is small and fixed, as each one is a metric's label.
const (
	FamilyOther Family = iota // something that is none of the others
	FamilyNone                // no User-Agent at all
	FamilyThunderbird
	FamilyEvolution
	FamilyOutlook
	FamilyApple
	FamilyOkHTTP // Thunderbird for Android, K-9 Mail, and other apps
	FamilyAndroid
	FamilyFairEmail
	FamilyNextcloud
	FamilyKDE
	FamilyBrowser
	FamilyMonitor
	FamilyScript
	Families // how many there are
)

// families are the names of the families, for metrics and people.
var families = [Families]struct{ id, name string }{
	FamilyOther:       {"other", "something else"},
	FamilyNone:        {"none", "no User-Agent"},
	FamilyThunderbird: {"thunderbird", "Thunderbird"},
	FamilyEvolution:   {"evolution", "Evolution"},
	FamilyOutlook:     {"outlook", "Outlook or another program of Microsoft's"},
	FamilyApple:       {"apple", "a device of Apple's"},
	FamilyOkHTTP:      {"okhttp", "an Android app with OkHttp (Thunderbird for Android, K-9 Mail)"},
	FamilyAndroid:     {"android", "another Android app"},
	FamilyFairEmail:   {"fairemail", "FairEmail"},
	FamilyNextcloud:   {"nextcloud", "Nextcloud"},
	FamilyKDE:         {"kde", "a program of KDE's (KMail)"},
	FamilyBrowser:     {"browser", "a browser"},
	FamilyMonitor:     {"monitor", "monitoring"},
	FamilyScript:      {"script", "a script or a test"},
}

// ID is the family's name for programs.
func (f Family) ID() string { return families[min(f, Families-1)].id }

// Name is the family's name for people.
func (f Family) Name() string { return families[min(f, Families-1)].name }

// Shape is what a request reveals about its program besides the User-Agent.
type Shape struct {
	// Digest: the address is Evolution's stand-in with a digest.
	Digest bool
	// PostedForm: XML was posted as a form, as FairEmail does.
	PostedForm bool
}

// agents are parts of User-Agents; the first match counts. Thunderbird's was seen by the tests that run it;
// OkHttp's and Android's are the defaults of these libraries, which the apps keep; Microsoft's, Apple's and
// KDE's are from published access logs, and not verified here.
var agents = []struct {
	part   string
	family Family
}{
	{"Thunderbird/", FamilyThunderbird},
	{"Evolution/", FamilyEvolution},
	{"okhttp/", FamilyOkHTTP},
	{"Microsoft Office", FamilyOutlook},
	{"Microsoft Outlook", FamilyOutlook},
	{"Outlook", FamilyOutlook},
	{"Microsoft", FamilyOutlook},
	{"FairEmail", FamilyFairEmail},
	{"Nextcloud", FamilyNextcloud},
	{"Dalvik/", FamilyAndroid},
	{"CFNetwork/", FamilyApple},
	{"accountsd", FamilyApple},
	{"dataaccessd", FamilyApple},
	{"KIO/", FamilyKDE},
	{"Konqueror", FamilyKDE},
	{"Prometheus", FamilyMonitor},
	{"Blackbox", FamilyMonitor},
	{"kube-probe", FamilyMonitor},
	{"Zabbix", FamilyMonitor},
	{"Uptime", FamilyMonitor},
	{"curl/", FamilyScript},
	{"Wget/", FamilyScript},
	{"python", FamilyScript},
	{"Go-http-client", FamilyScript},
	{"autoconfig/", FamilyScript}, // this program's own check and simulate
	{"Mozilla/", FamilyBrowser},
}

// longestAgent bounds how much of a User-Agent is read, in bytes.
const longestAgent = 256

// FamilyOf guesses the family of the program that sent a request. It allocates nothing.
func FamilyOf(userAgent string, s Shape) Family {
	switch {
	case s.Digest:
		return FamilyEvolution
	case s.PostedForm:
		return FamilyFairEmail
	case userAgent == "":
		return FamilyNone
	}
	userAgent = userAgent[:min(len(userAgent), longestAgent)]
	for _, a := range agents {
		if strings.Contains(userAgent, a.part) {
			return a.family
		}
	}
	return FamilyOther
}
