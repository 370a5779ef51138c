package helpdesk

import (
	"github.com/labstack/echo/v4"

	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// What a browser is known for: the name of a local person, which has no NUL in it,
// or an identity provider.
const (
	personDevice   = "person\x00"
	providerDevice = "provider\x00"
)

// deviceOf is the identity of a browser that has signed in by this before; "" for
// any other.
func (s *Desk) deviceOf(c echo.Context, by string) string {
	kept, err := c.Cookie(s.sessionCookie() + "-device")
	if err != nil {
		return ""
	}
	return s.Desk.Device(kept.Value, by)
}

// setDevice makes the browser known. Its identity is new with each sign-in, which
// takes a password and a code: nobody gets more to guess by it.
func (s *Desk) setDevice(c echo.Context, by string) {
	s.setCookie(c, "-device", s.Desk.NewDevice(by), staff.DeviceLife)
}

// beginSignIn counts by the browser where it is known, and else by the address: a
// stranger there, or one of many behind the same proxy, doesn't keep it out.
func (s *Desk) beginSignIn(c echo.Context, device string) (web.Attempt, error) {
	ctx := c.Request().Context()
	if device != "" {
		return s.devices.Begin(ctx, device)
	}
	return s.signIns.Begin(ctx, web.ClientOf(c))
}
