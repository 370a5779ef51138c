package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/settings"
)

// messageOrder is what a program sends to have a message sent.
type messageOrder struct {
	Kind     post.Kind        `json:"kind"`
	Address  settings.Address `json:"address"`
	URL      string           `json:"url"`
	To       settings.Address `json:"to"`
	ToItself bool             `json:"to_itself"`
	Again    bool             `json:"again"`
	Language string           `json:"language"`
	Minutes  *int             `json:"valid_minutes"`
	Uses     int              `json:"uses"`
	Note     string           `json:"note"`
	DryRun   bool             `json:"dry_run"`
}

func (s *API) sendMessage(c echo.Context) error {
	var o messageOrder
	if err := readJSON(c, &o); err != nil {
		return err
	}
	sending := admin.Sending{To: o.To, ToItself: o.ToItself, Again: o.Again}
	ctx, by := c.Request().Context(), actor(c)
	switch o.Kind {
	case post.SetupLink:
		_, token, _ := strings.Cut(o.URL, "/s/")
		m, err := s.admin.SendLink(ctx, by, token, sending)
		if err != nil {
			return err
		}
		return s.sent(c, m)
	case post.Welcome:
	default:
		return field("kind", fmt.Errorf("%w: the kinds of messages are link and welcome", errJSON))
	}
	order, err := orderOf(c, linkOrder{
		Address: o.Address, Minutes: o.Minutes, Uses: o.Uses, Language: o.Language, Note: o.Note,
	})
	if err != nil {
		return err
	}
	if o.DryRun {
		says, err := s.admin.RenderWelcome(ctx, by, order, sending)
		if err != nil {
			return ofOrder(err)
		}
		return c.JSON(http.StatusOK, says)
	}
	_, m, err := s.admin.Welcome(ctx, by, order, sending)
	if err != nil {
		return ofOrder(err)
	}
	return s.sent(c, m)
}

func (s *API) sent(c echo.Context, m post.Message) error {
	c.Response().Header().Set("Location", "/api/v1/messages/"+m.ID)
	return c.JSON(http.StatusCreated, m)
}

// orderOf is the link that a request orders.
func orderOf(c echo.Context, o linkOrder) (links.Order, error) {
	once := c.Request().Header.Get("Idempotency-Key")
	switch {
	case len(once) > maxIdempotencyKey:
		return links.Order{}, fmt.Errorf("%w: an Idempotency-Key has at most %d bytes", links.ErrOrder, maxIdempotencyKey)
	case o.Address.IsZero():
		return links.Order{}, field("address", fmt.Errorf("%w: it needs an address", links.ErrOrder))
	case o.Minutes != nil && (*o.Minutes < 1 || *o.Minutes > 1<<20):
		return links.Order{}, field("valid_minutes",
			fmt.Errorf("%w: a link is valid for one minute to 30 days", links.ErrOrder))
	}
	minutes := 0
	if o.Minutes != nil {
		minutes = *o.Minutes
	}
	if once != "" {
		once = tokenOf(c).ID + "\x00" + once
	}
	return links.Order{
		Request: fmt.Sprintf("%d %d %q %q", minutes, o.Uses, o.Language, o.Note),
		Address: o.Address, Valid: time.Duration(minutes) * time.Minute, Uses: o.Uses, Language: o.Language,
		Note: o.Note, IdempotencyKey: once,
	}, nil
}

// ofOrder says which member of an order is refused, where an act knows.
func ofOrder(err error) error {
	if errors.Is(err, admin.ErrLanguage) {
		return field("language", err)
	}
	return err
}

func (s *API) showMessage(c echo.Context) error {
	m, err := s.admin.Message(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, m)
}

func (s *API) listMessages(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	f := post.Filter{
		Before: c.QueryParam("after"), Limit: limit, State: post.State(c.QueryParam("state")),
		Kind: post.Kind(c.QueryParam("kind")), Link: c.QueryParam("link"),
	}
	if f.Domains, f.Address, err = s.filtered(c); err != nil {
		return err
	}
	list, err := s.admin.Messages(c.Request().Context(), actor(c), f)
	if err != nil {
		return directory.Unavailable(err)
	}
	page := struct {
		Messages []post.Message `json:"messages"`
		After    string         `json:"after,omitempty"`
	}{Messages: append([]post.Message{}, list...)}
	if len(list) == limit {
		page.After = list[limit-1].ID
	}
	return c.JSON(http.StatusOK, page)
}

// filtered are the domains and the key of the address that a list is asked for.
func (s *API) filtered(c echo.Context) (domains []string, address string, err error) {
	domains = actor(c).Bounds()
	if name := c.QueryParam("domain"); name != "" {
		entry, err := s.servedDomain(c, name)
		if err != nil {
			return nil, "", err
		}
		domains = []string{entry.Terms.Name}
	}
	if text := c.QueryParam("address"); text != "" {
		typed, err := settings.ParseAddress(text)
		if err != nil {
			return nil, "", err
		}
		address = typed.Key()
	}
	return domains, address, nil
}
