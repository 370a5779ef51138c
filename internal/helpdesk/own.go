package helpdesk

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// ownPage is a person's own account: password, second factor, recovery codes, passkeys.
type ownPage struct {
	web.Frame
	Name string
	// Problem is what was refused, Said what was done, as keys of texts.
	Problem, Said string
	Local         bool
	Second        bool
	// Codes are new recovery codes, shown once; Left counts the unused ones, of All.
	Codes     []string
	Left, All int
	// CanPasskeys tells that browsers allow passkeys at our address.
	CanPasskeys bool
	Passkeys    []passkeyRow
}

type passkeyRow struct{ ID, Name, Made string }

func (s *Desk) ownPage(c echo.Context) error {
	done, _ := said(c)
	return s.showOwn(c, http.StatusOK, ownPage{Said: done, Codes: s.toShow(c, "/helpdesk/own")["code"]})
}

func (s *Desk) showOwn(c echo.Context, status int, page ownPage) error {
	ctx, p := c.Request().Context(), person(c)
	left, err := s.Desk.Store.RecoveryCodes(ctx, p.ID)
	if err != nil {
		return directory.Unavailable(err)
	}
	keys, err := s.Desk.Store.Passkeys(ctx, p.ID)
	if err != nil {
		return directory.Unavailable(err)
	}
	for _, k := range keys {
		page.Passkeys = append(page.Passkeys,
			passkeyRow{base64.RawURLEncoding.EncodeToString(k.ID), k.Name, web.Moment(k.MadeAt)})
	}
	page.Frame, page.Name, page.Local, page.Second = s.staffFrame(c), p.Name, p.Issuer == "", len(p.TOTPKey) > 0
	page.Left, page.All, page.CanPasskeys = left, staff.RecoveryCodes, s.passkeys != nil
	if page.Codes != nil {
		page.Method = "" // what is shown only once can't be asked for again
	}
	return s.SendPage(c, status, "own", page.Frame, page)
}

func (s *Desk) ownProblem(c echo.Context, problem string) error {
	return s.showOwn(c, http.StatusUnprocessableEntity, ownPage{Problem: problem})
}

func (s *Desk) changePassword(c echo.Context) error {
	ctx, p := c.Request().Context(), person(c)
	if p.Issuer != "" {
		return staff.ErrForbidden
	}
	token := ""
	err := s.proving(c, "password change refused", func(p staff.Person) (err error) {
		token, err = s.Desk.ChangePassword(ctx, p, c.FormValue("old"), c.FormValue("new"))
		return err
	})
	switch {
	case errors.Is(err, staff.ErrPassword):
		return s.ownProblem(c, "staff.account.too_short")
	case errors.Is(err, staff.ErrSignIn):
		return s.ownProblem(c, "staff.account.wrong")
	case err != nil:
		return err
	}
	s.setSession(c, token)
	return s.showOwn(c, http.StatusOK, ownPage{Said: "staff.account.changed"})
}

// proved lets through whoever knows the password: a session that was left open, or stolen,
// isn't enough for a way to sign in.
func (s *Desk) proved(c echo.Context, refused string) error {
	ctx := c.Request().Context()
	if p := person(c); p.Issuer != "" || len(p.TOTPKey) == 0 {
		return staff.ErrForbidden
	}
	return s.proving(c, refused, func(p staff.Person) error { return s.Desk.Proves(ctx, p, c.FormValue("password")) })
}

func (s *Desk) makeRecoveryCodes(c echo.Context) error {
	err := s.proved(c, "recovery codes refused")
	if errors.Is(err, staff.ErrSignIn) {
		return s.ownProblem(c, "staff.account.wrong_password")
	} else if err != nil {
		return err
	}
	codes, err := s.Desk.NewRecoveryCodes(c.Request().Context(), person(c))
	if err != nil {
		return err
	}
	return s.showOnce(c, "/helpdesk/own", url.Values{"code": codes})
}

// askForPasskey leads to the page that asks the browser for a new passkey.
func (s *Desk) askForPasskey(c echo.Context) error {
	if s.passkeys == nil {
		return staff.ErrForbidden
	}
	err := s.proved(c, "passkey refused")
	if errors.Is(err, staff.ErrSignIn) {
		return s.ownProblem(c, "staff.account.wrong_password")
	} else if err != nil {
		return err
	}
	name := web.FirstBytes(c.FormValue("name"), 240)
	return s.showOnce(c, newKeyPage, url.Values{"name": {name}, "proved": {"yes"}})
}

const newKeyPage = "/helpdesk/own/passkey"

type newPasskeyPage struct {
	web.Frame
	Passkey question
}

func (s *Desk) newPasskeyPage(c echo.Context) error {
	values := s.toShow(c, newKeyPage)
	if s.passkeys == nil || values.Get("proved") == "" {
		return c.Redirect(http.StatusSeeOther, "/helpdesk/own")
	}
	q, err := s.passkeys.askNew(c.Request().Context(), person(c), values.Get("name"))
	if err != nil {
		return err
	}
	page := newPasskeyPage{s.staffFrame(c), q}
	page.Method = "" // what is shown only once can't be asked for again
	return s.SendPage(c, http.StatusOK, "passkey", page.Frame, page)
}

func (s *Desk) addPasskey(c echo.Context) error {
	if s.passkeys == nil {
		return staff.ErrForbidden
	}
	err := s.passkeys.add(c.Request().Context(), person(c), c.FormValue("kept"), c.FormValue("answer"))
	switch {
	case errors.Is(err, errLate), errors.Is(err, staff.ErrSignIn), errors.Is(err, staff.ErrExists):
		s.Logger.Info("a new passkey is refused", "error", err.Error())
		return s.ownProblem(c, "staff.passkey.not_added")
	case err != nil:
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/own?said=passkey_added")
}

func (s *Desk) removePasskey(c echo.Context) error {
	id, err := base64.RawURLEncoding.DecodeString(c.Param("id"))
	if err != nil {
		return staff.ErrUnknown
	}
	if err := s.Desk.RemovePasskey(c.Request().Context(), person(c), id); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/own?said=passkey_removed")
}
