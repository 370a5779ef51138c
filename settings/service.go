package settings

// NoService is what a domain writes for a service that its plan has and it
// hasn't.
const NoService = "none"

// Services are what a domain offers beside mail. A URL is "" where there is none.
type Services struct {
	CalDAV  string `yaml:"caldav,omitempty" json:"caldav,omitempty" doc:"https URL of the CalDAV server (calendars)"`
	CardDAV string `yaml:"carddav,omitempty" json:"carddav,omitempty" doc:"https URL of the CardDAV server (contacts)"`
	WebDAV  string `yaml:"webdav,omitempty" json:"webdav,omitempty" doc:"https URL of the WebDAV server (files)"`
	JMAP    string `yaml:"jmap,omitempty" json:"jmap,omitempty" doc:"https URL of the JMAP session resource (RFC 8620); handed out only together with IMAP"`
	Webmail string `yaml:"webmail,omitempty" json:"webmail,omitempty" doc:"https URL of the webmail"`
	// ManageSieve is where filters are edited (RFC 5804).
	ManageSieve *Server `yaml:"managesieve,omitempty" json:"managesieve,omitempty" doc:"ManageSieve server (mail filters)"`
	OAuth2      *OAuth2 `yaml:"oauth2,omitempty" json:"oauth2,omitempty" doc:"OAuth2 issuer, where a server has OAUTHBEARER or XOAUTH2"`
}

// OAuth2 is where clients get tokens (draft-ietf-mailmaint-autoconfig, section 6.4).
type OAuth2 struct {
	Issuer   string `yaml:"issuer" json:"issuer" doc:"the issuer"`
	AuthURL  string `yaml:"auth_url" json:"auth_url" doc:"https URL of the authorization endpoint"`
	TokenURL string `yaml:"token_url" json:"token_url" doc:"https URL of the token endpoint"`
	Scope    string `yaml:"scope" json:"scope" doc:"scopes for all services, separated by blanks"`
	ClientID string `yaml:"client_id,omitempty" json:"client_id,omitempty" doc:"client id of a public client"`
}

// serviceURL is a pointer to one of the services that are a URL, with its key.
type serviceURL struct {
	key string
	url *string
}

func (s *Services) urls() []serviceURL {
	return []serviceURL{
		{"caldav", &s.CalDAV}, {"carddav", &s.CardDAV}, {"webdav", &s.WebDAV}, {"jmap", &s.JMAP}, {"webmail", &s.Webmail},
	}
}

// Over gives services, and for the rest those of a plan: what is stated wins, [NoService]
// takes away.
func (s Services) Over(plan Services) Services {
	merged := plan
	mine, under := s.urls(), merged.urls()
	for i := range mine {
		switch *mine[i].url {
		case "":
		case NoService:
			*under[i].url = ""
		default:
			*under[i].url = *mine[i].url
		}
		if *under[i].url == NoService {
			*under[i].url = ""
		}
	}
	if s.ManageSieve != nil {
		merged.ManageSieve = s.ManageSieve
	}
	if s.OAuth2 != nil {
		merged.OAuth2 = s.OAuth2
	}
	return merged
}

// Normalize fills what is left out.
func (s Services) Normalize() Services {
	if s.ManageSieve != nil {
		normal := s.ManageSieve.Normalize(ManageSieve)
		s.ManageSieve = &normal
	}
	return s
}

// Check lists what is wrong with normalised services.
func (s Services) Check(path string) Problems {
	var problems Problems
	for _, u := range s.urls() {
		if *u.url != "" && *u.url != NoService {
			checkURL(&problems, path+"."+u.key, *u.url)
		}
	}
	if s.ManageSieve != nil {
		problems = append(problems, s.ManageSieve.Check(ManageSieve, path+".managesieve")...)
	}
	if o := s.OAuth2; o != nil {
		checkURL(&problems, path+".oauth2.auth_url", o.AuthURL)
		checkURL(&problems, path+".oauth2.token_url", o.TokenURL)
		if o.Issuer == "" || CheckText(o.Issuer) != nil {
			problems.Add(path+".oauth2.issuer", "the issuer is missing, or has a character that can't be handed out")
		}
		if o.Scope == "" || CheckText(o.Scope) != nil {
			problems.Add(path+".oauth2.scope", "the scope is missing, or has a character that can't be handed out")
		}
		if CheckText(o.ClientID) != nil {
			problems.Add(path+".oauth2.client_id", "the client ID has a character that can't be handed out")
		}
	}
	return problems
}
