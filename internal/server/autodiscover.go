package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// autodiscover answers a posted request (POX). Credentials that come with it are
// neither read nor logged, and it never asks for any: Thunderbird would report a
// challenge as a wrong password. The media type is not looked at, since FairEmail
// posts XML as a form.
func (s *Public) autodiscover(c echo.Context) error {
	n := noted{format: formatAutodiscover, outcome: trace.Refused}
	defer s.note(c, &n)
	body, err := readPosted(c.Request())
	if errors.Is(err, errCoding) {
		c.Response().Header().Set("Accept-Encoding", "gzip, deflate") // RFC 9110, section 15.5.16
	}
	if err != nil {
		return err
	}
	request, err := autodiscover.ParseRequest(body)
	switch {
	case errors.Is(err, autodiscover.ErrTooLarge):
		return web.ErrTooLarge
	case err != nil:
		return s.sendPOXError(c, autodiscover.Malformed)
	case !request.WantsOutlook():
		return s.sendPOXError(c, autodiscover.SchemaUnavailable)
	case request.LegacyDN:
		// A server that isn't Exchange knows nobody by it (MS-OXDSCLI, 3.2.5).
		return s.sendPOXError(c, autodiscover.AddressNotFound)
	}
	typed, err := settings.ParseAddress(request.Address)
	if err != nil {
		return s.sendPOXError(c, autodiscover.Malformed)
	}
	other, given, err := addressIn(c.Request().URL.RawQuery)
	if err != nil || given && !other.Same(typed) {
		return s.sendPOXError(c, autodiscover.Malformed)
	}
	a, err := s.ForAddress(c.Request().Context(), typed)
	if err == nil {
		err = s.sendPOX(c, &a)
	}
	n.typed = typed
	n.become(&a, err)
	return s.poxError(c, err)
}

// autodiscoverGet answers a GET. With an address it is a request like any other.
// Without one, it could only be told the domain's default, and Thunderbird, which
// turns its POST into a GET when redirected, would use that at once: so only
// where nobody in the domain has anything else.
func (s *Public) autodiscoverGet(c echo.Context) error {
	n := noted{format: formatAutodiscover, outcome: trace.Refused}
	defer s.note(c, &n)
	ctx := c.Request().Context()
	typed, given, err := addressIn(c.Request().URL.RawQuery)
	if err != nil {
		return s.sendPOXError(c, autodiscover.Malformed)
	}
	if given {
		a, err := s.ForAddress(ctx, typed.Address)
		if err == nil {
			err = s.sendPOX(c, &a)
		}
		n.typed = typed.Address
		n.become(&a, err)
		return s.poxError(c, err)
	}
	a, err := s.ForHost(ctx, c.Request().Host)
	if errors.Is(err, directory.ErrNotFound) {
		return errPostOnly
	} else if err != nil {
		return err
	}
	uniform, err := s.Directory.Uniform(ctx, a.Entry)
	if err != nil {
		return directory.Unavailable(err)
	}
	if !uniform {
		n.asked = a.Asked
		return errPostOnly
	}
	err = s.sendPOX(c, &a)
	n.become(&a, err)
	return s.poxError(c, err)
}

func (s *Public) sendPOX(c echo.Context, a *lookup.Answer) error {
	resolved, err := autodiscover.Resolve(a.Settings)
	if err != nil {
		return err
	}
	if isThunderbird(c.Request()) && (thunderbird.Mangles(resolved.IncomingLogin.Literal) || thunderbird.Mangles(resolved.OutgoingLogin.Literal)) {
		return errNotForThunderbird
	}
	return s.sendXML(c, a, formatAutodiscover, &resolved, autodiscover.Compile)
}

// errNotForThunderbird: its reader makes 123 of the login 00123 here as well. It isn't
// told then, as by autoconfig, so that a person sets it up by hand and not wrongly.
var errNotForThunderbird = errors.New("the login can't be written so that Thunderbird reads it unchanged")

// isThunderbird tells whether Thunderbird, or a program made of it, asks.
func isThunderbird(r *http.Request) bool { return strings.Contains(r.UserAgent(), "Thunderbird/") }

// poxError turns what the format has words for into an answer in that format.
func (s *Public) poxError(c echo.Context, err error) error {
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return s.sendPOXError(c, autodiscover.AddressNotFound)
	case errors.Is(err, autodiscover.ErrPlaintext), errors.Is(err, autodiscover.ErrAuth), errors.Is(err, errNotForThunderbird):
		return s.sendPOXError(c, autodiscover.NoConfiguration)
	}
	return err
}

func (s *Public) sendPOXError(c echo.Context, code autodiscover.ErrorCode) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return web.Blob(c, http.StatusOK, xmlType, autodiscover.RenderError(code, s.Now()))
}

// autodiscoverJSON tells where the POX service is (Autodiscover v2). The URL
// comes from the configuration.
func (s *Public) autodiscoverJSON(c echo.Context) error {
	n := noted{format: formatJSON, outcome: trace.Refused}
	defer s.note(c, &n)
	c.Response().Header().Set("Cache-Control", "no-store")
	fail := func(status int, code autodiscover.JSONError) error {
		return web.Blob(c, status, jsonType, autodiscover.RenderJSONError(code))
	}
	typed, given, err := jsonAddress(c)
	switch {
	case !given:
		return fail(http.StatusBadRequest, autodiscover.JSONMissingAddress)
	case err != nil:
		return fail(http.StatusBadRequest, autodiscover.JSONBadAddress)
	}
	switch protocol, err := parameter(c.Request().URL.RawQuery, "protocol"); {
	case err != nil:
		return fail(http.StatusBadRequest, autodiscover.JSONInvalidProtocol)
	case protocol == "":
		return fail(http.StatusBadRequest, autodiscover.JSONMissingProtocol)
	case !autodiscover.IsProtocolV1(protocol):
		return fail(http.StatusBadRequest, autodiscover.JSONInvalidProtocol)
	}
	entry, err := s.Domain(c.Request().Context(), typed.Domain())
	n.typed = typed.Address
	n.become(&lookup.Answer{Asked: entry}, err)
	if errors.Is(err, directory.ErrNotFound) {
		return fail(http.StatusNotFound, autodiscover.JSONUnknownUser)
	} else if err != nil {
		return err
	}
	url := s.PublicURL.JoinPath(autodiscover.Path).String()
	return web.Blob(c, http.StatusOK, jsonType, autodiscover.RenderJSON(url))
}

// jsonAddress is the address in the path, else the one in the query.
func jsonAddress(c echo.Context) (typed asked, given bool, err error) {
	typed, given, err = addressIn(c.Request().URL.RawQuery)
	text := originalTail(c, "/v1.0/")
	if text == "" || err != nil {
		return typed, given, err
	}
	if !strings.Contains(text, "@") { // encoded twice; a + in a path is one
		text = unescaped(text)
	}
	address, err := settings.ParseAddress(text)
	if err == nil && given && !typed.Same(address) {
		err = errTwoAddresses
	}
	return asked{address, text}, true, err
}

const jsonType = "application/json; charset=utf-8"

// originalTail is what follows marker in the path as the client wrote it: the
// router has folded its letter case.
func originalTail(c echo.Context, marker string) string {
	path := originalPath(c.Request())
	if i := strings.LastIndex(strings.ToLower(path), marker); i >= 0 {
		return strings.TrimRight(path[i+len(marker):], "/")
	}
	return ""
}
