package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/clients"
	"autoconfig/internal/guide"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// decided is what an address gets, and why.
type decided struct {
	Address  string            `json:"address"`
	Known    bool              `json:"known"`
	Mailbox  string            `json:"mailbox"`
	Source   string            `json:"source,omitempty"`
	Decision settings.Decision `json:"decision"`
	Incoming settings.Server   `json:"incoming"`
	Outgoing settings.Server   `json:"outgoing"`
	Login    string            `json:"login"`
	// OutgoingLogin is the login at the outgoing server.
	OutgoingLogin string `json:"outgoing_login"`
	clients.Misfits
}

func (s *API) showDecision(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	a, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err != nil {
		return err
	}
	d := decided{
		Address: typed.String(), Known: found.Known, Mailbox: found.Account.Address.String(), Source: found.Source,
		Decision: a.Settings.Decision,
		Incoming: a.Settings.Incoming, Outgoing: a.Settings.Outgoing,
		Login: a.Settings.IncomingLogin.Literal, OutgoingLogin: a.Settings.OutgoingLogin.Literal,
		Misfits: clients.MisfitsOf(guide.Outcomes(found, typed)),
	}
	return c.JSON(http.StatusOK, d)
}

// render is what a program gets, exactly; the profile as behind a setup link.
func (s *API) render(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	a, _, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err != nil {
		return err
	}
	var body []byte
	kind := "text/xml; charset=utf-8"
	switch c.Param("format") {
	case "thunderbird":
		body, err = thunderbird.Render(a.Settings)
	case "autodiscover":
		body, err = autodiscover.Render(a.Settings)
	case "mobileconfig":
		kind = mobileconfig.MediaType
		body, err = mobileconfig.Render(a.Settings)
	case "thunderbird-android":
		kind = "application/json"
		body, err = thunderbird.AndroidQR(a.Settings)
	default:
		return errBadFormat
	}
	if err != nil {
		return err
	}
	return web.Blob(c, http.StatusOK, kind, body)
}
