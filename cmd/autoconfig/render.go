package main

import (
	"errors"
	"net/url"
	"time"

	"autoconfig/autodiscover"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

type renderCmd struct {
	demoFlag
	Format  string `arg:"" enum:"thunderbird,autodiscover,autodiscover-json,mobileconfig,thunderbird-android" help:"thunderbird, autodiscover, autodiscover-json, mobileconfig or thunderbird-android."`
	Address string `arg:"" help:"The address that the program asks for."`
}

func (r *renderCmd) Help() string {
	return `Prints the bytes that the program would get for the address (a profile unsigned).
The payload for Thunderbird for Android is what a setup link's QR code carries.

Examples:
  autoconfig render thunderbird workshop@example.com --demo
  autoconfig render mobileconfig office@example.com > office.mobileconfig`
}

func (r *renderCmd) Run(c *call, app *application) error {
	typed, err := settings.ParseAddress(r.Address)
	if err != nil {
		return err
	}
	found, err := app.look(c, typed)
	if err != nil {
		return err
	}
	found.public.Respelled = r.Address != typed.String() // as the service does, so that the login is one in all formats
	body, err := render(r.Format, found, app.process.PublicURL.URL)
	if errors.Is(err, autodiscover.ErrPlaintext) || errors.Is(err, autodiscover.ErrAuth) {
		c.printf("%s", autodiscover.RenderError(autodiscover.NoConfiguration, time.Now())) // what the program gets
	}
	if err != nil {
		return refusal{err}
	}
	_, err = c.std.out.Write(body)
	return errors.Join(err)
}

func render(format string, found lookup, publicURL *url.URL) ([]byte, error) {
	switch format {
	case "thunderbird":
		return thunderbird.Render(found.public)
	case "autodiscover":
		return autodiscover.Render(found.public)
	case "autodiscover-json":
		return autodiscover.RenderJSON(publicURL.JoinPath(autodiscover.Path).String()), nil
	case "mobileconfig":
		return mobileconfig.Render(found.public)
	default: // the payload is only for the person, behind a setup link
		personal := found.personal
		personal.DisplayName = found.Account.Name
		return thunderbird.AndroidQR(personal)
	}
}
