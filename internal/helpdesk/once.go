package helpdesk

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/staff"
)

// onceCookie is what a browser keeps of something that the next page shows, once.
const onceCookie = "-once"

// showOnce leads to a page that shows values once: asked for again (F5), it shows them no
// more, and changes nothing. They travel encrypted, and only this session's page reads them.
func (s *Desk) showOnce(c echo.Context, page string, values url.Values) error {
	session, err := c.Cookie(s.sessionCookie())
	if err != nil {
		return err
	}
	return s.showOnceTo(c, session.Value, page, values)
}

// showOnceTo is showOnce for a session that has only just begun.
func (s *Desk) showOnceTo(c echo.Context, session, page string, values url.Values) error {
	s.setCookie(c, onceCookie, s.Desk.Shown(session+page, values.Encode()), staff.ShownLife)
	return c.Redirect(http.StatusSeeOther, page)
}

// toShow are the values for a page; none if there are none, or were shown.
func (s *Desk) toShow(c echo.Context, page string) url.Values {
	kept, err := c.Cookie(s.sessionCookie() + onceCookie)
	session, sessionErr := c.Cookie(s.sessionCookie())
	if err != nil || sessionErr != nil || c.Request().Method != http.MethodGet {
		return nil
	}
	values, err := url.ParseQuery(s.Desk.ToShow(session.Value+page, kept.Value))
	if err != nil || len(values) == 0 {
		return nil
	}
	s.setCookie(c, onceCookie, "", 0)
	return values
}
