package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/lookup"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// xmlType is what Thunderbird demands: it compares the start of the media type
// letter by letter, and takes anything else for a failed provider.
const xmlType = "text/xml; charset=utf-8"

// autoconfig answers config-v1.1.xml: for the address if there is one, whatever
// the Host (a look-up by MX comes to the hoster's own host), else the default of
// the Host's domain.
func (s *Public) autoconfig(c echo.Context) error {
	n := noted{format: formatAutoconfig}
	a, err := s.autoconfigAnswer(c, &n)
	if err == nil {
		err = s.sendAutoconfig(c, &a)
	}
	n.become(&a, err)
	s.note(c, &n)
	return err
}

// autoconfigAnswer finds what a request asks for.
func (s *Public) autoconfigAnswer(c echo.Context, n *noted) (a lookup.Answer, err error) {
	ctx, query := c.Request().Context(), c.Request().URL.RawQuery
	typed, given, err := addressIn(query)
	if err != nil {
		return a, err
	}
	if !given {
		return s.ForHost(ctx, c.Request().Host)
	}
	n.typed = typed.Address
	digest, err := digestIn(query, typed)
	if err != nil {
		return a, err
	}
	if digest != "" {
		n.shape.Digest = true
		a, err = s.ForDigest(ctx, typed.Address, digest)
	} else {
		a, err = s.ForAddress(ctx, typed.Address)
	}
	a.Settings.Respelled = typed.respelled()
	return a, err
}

// digestIn is the digest by which Evolution names the account, "" where there is none.
func digestIn(rawQuery string, typed asked) (string, error) {
	digest, err := parameter(rawQuery, digestKey)
	if err != nil || !lookup.IsDigest(typed.Address, strings.ToLower(digest)) {
		return "", err
	}
	return strings.ToLower(digest), nil
}

// providerDatabase answers in the form of Thunderbird's provider database
// (preference mailnews.auto_config_url), which is asked by domain alone.
func (s *Public) providerDatabase(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return web.ErrNoDomainName
	}
	a, err := s.ForDomain(c.Request().Context(), name)
	if err == nil {
		err = s.sendAutoconfig(c, &a)
	}
	n := noted{format: formatAutoconfig}
	n.become(&a, err)
	s.note(c, &n)
	return err
}

func (s *Public) sendAutoconfig(c echo.Context, a *lookup.Answer) error {
	resolved, err := thunderbird.Resolve(a.Settings)
	if err != nil {
		return err
	}
	return s.sendXML(c, a, formatAutoconfig, &resolved, thunderbird.Compile)
}

// sendXML renders a document into a buffer that the next request uses again: the answer
// is written when this returns.
func (s *Public) sendXML(
	c echo.Context, a *lookup.Answer, format string, of *settings.Settings,
	compile func(settings.Settings) (*settings.Template, error),
) error {
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	body, err := a.Render((*buffer)[:0], format, of, compile)
	if err != nil {
		return err
	}
	*buffer = body
	s.answered(format, of.Decision.Protocol)
	return send(c, xmlTypes, of, body)
}

// send writes an answer. What was asked with an address isn't kept by caches;
// a domain's default may be for five minutes.
func send(c echo.Context, mediaType []string, of *settings.Settings, body []byte) error {
	cache := cacheNothing
	if of.Typed.IsZero() {
		cache = cacheDefault
	}
	h := c.Response().Header()
	h["Cache-Control"], h["Content-Type"] = cache, mediaType
	web.SayLength(c, body)
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(body)
	return err
}

// Values of headers that are on most answers. They are shared: they are replaced, never
// changed.
var (
	cacheNothing = []string{"no-store"}
	cacheDefault = []string{"public, max-age=300"}
	xmlTypes     = []string{xmlType}
	profileTypes = []string{mobileconfig.MediaType}
)
