package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// linkBody is a link as programs see it.
type linkBody struct {
	links.Link
	State links.State `json:"state"`
	// URL is there only when the link is made.
	URL    string           `json:"url,omitempty"`
	Texts  *admin.LinkTexts `json:"texts,omitempty"`
	Events []links.Event    `json:"events,omitempty"`
}

func (s *API) listLinks(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	f := links.Filter{Domains: actor(c).Bounds(), Before: c.QueryParam("after"), Limit: limit}
	if name := c.QueryParam("domain"); name != "" {
		entry, err := s.servedDomain(c, name)
		if err != nil {
			return err
		}
		f.Domains = []string{entry.Terms.Name}
	}
	if text := c.QueryParam("address"); text != "" {
		typed, err := settings.ParseAddress(text)
		if err != nil {
			return err
		}
		f.Address = typed.Key()
	}
	list, err := s.Links.Store.Links(c.Request().Context(), f)
	if err != nil {
		return directory.Unavailable(err)
	}
	page := struct {
		Links []linkBody `json:"links"`
		After string     `json:"after,omitempty"`
	}{Links: []linkBody{}}
	for _, l := range list {
		page.Links = append(page.Links, linkBody{Link: l, State: s.Links.StateOf(l)})
	}
	if len(list) == limit {
		page.After = list[limit-1].ID
	}
	return c.JSON(http.StatusOK, page)
}

// linkOrder is what a program sends to have a link made.
type linkOrder struct {
	Address  settings.Address `json:"address"`
	Minutes  int              `json:"valid_minutes"`
	Uses     int              `json:"uses"`
	Language string           `json:"language"`
	Note     string           `json:"note"`
}

// maxIdempotencyKey bounds the header's bytes.
const maxIdempotencyKey = 200

func (s *API) makeLink(c echo.Context) error {
	var o linkOrder
	if err := readJSON(c, &o); err != nil {
		return err
	}
	once := c.Request().Header.Get("Idempotency-Key")
	if len(once) > maxIdempotencyKey || o.Minutes > 1<<20 {
		return fmt.Errorf("%w: an Idempotency-Key has at most %d bytes, and a link is valid for at most 30 days",
			links.ErrOrder, maxIdempotencyKey)
	}
	if o.Address.IsZero() {
		return fmt.Errorf("%w: it needs an address", links.ErrOrder)
	}
	if once != "" {
		once = fmt.Sprint(c.Get(tokenKey)) + "\x00" + once
	}
	asked := fmt.Sprintf("%d %d %q %q", o.Minutes, o.Uses, o.Language, o.Note)
	made, err := s.admin.MakeLink(c.Request().Context(), actor(c), links.Order{
		Asked: asked, Address: o.Address, Valid: time.Duration(o.Minutes) * time.Minute, Uses: o.Uses,
		Language: o.Language, Note: o.Note, Once: once,
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/links/"+made.ID)
	c.Response().Header().Set("Cache-Control", "no-store")
	texts := s.admin.Texts(made, web.Moment(made.ExpiresAt))
	return c.JSON(http.StatusCreated, linkBody{
		Link: made.Link, State: s.Links.StateOf(made.Link), URL: made.URL,
		Texts: &texts,
	})
}

func (s *API) showLink(c echo.Context) error {
	l, err := s.admin.Link(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	events, err := s.Links.Store.LinkEvents(c.Request().Context(), l.ID)
	if err != nil {
		return directory.Unavailable(err)
	}
	return c.JSON(http.StatusOK, linkBody{Link: l, State: s.Links.StateOf(l), Events: events})
}

func (s *API) revokeLink(c echo.Context) error {
	l, err := s.admin.RevokeLink(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, linkBody{Link: l, State: s.Links.StateOf(l)})
}
