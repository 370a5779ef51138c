package helpdesk

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/web"
	"autoconfig/policy"
	"autoconfig/settings"
)

// putOverride decides for an account that is kept elsewhere, with a reason, or takes the
// decision back. The page that it leads to says what was done, and F5 there does nothing.
func (s *Desk) putOverride(c echo.Context) error {
	typed, err := settings.ParseAddress(c.FormValue("address"))
	if err != nil {
		return err
	}
	back := func(said string) error {
		query := url.Values{"address": {typed.String()}, "said": {said}}
		return c.Redirect(http.StatusSeeOther, "/helpdesk/account?"+query.Encode())
	}
	ctx := c.Request().Context()
	if c.FormValue("do") == "remove" {
		if err := s.admin.RemoveOverride(ctx, actor(c), typed, nil); err != nil {
			return err
		}
		return back("override_removed")
	}
	note := strings.TrimSpace(web.FirstBytes(c.FormValue("note"), policy.MaxNote))
	if note == "" {
		return back("override_no_note")
	}
	_, _, err = s.admin.PutOverride(ctx, actor(c), typed, func(now policy.Override) (policy.Override, error) {
		now.Protocol, now.Note = settings.Protocol(c.FormValue("protocol")), note
		return now, nil
	})
	if errors.Is(err, admin.ErrNoServer) {
		return back("override_no_server")
	} else if err != nil {
		return err
	}
	return back("override_saved")
}

// said is what a page says of what was just done there, as a key of a text; "" for nothing.
// problem tells that it wasn't done.
func said(c echo.Context) (key string, problem bool) {
	switch said := c.QueryParam("said"); said {
	case "override_saved", "override_removed", "link_revoked", "person_removed", "passkey_added", "passkey_removed":
		return "staff.said." + said, false
	case "override_no_note", "override_no_server":
		return "staff.said." + said, true
	}
	return "", false
}
