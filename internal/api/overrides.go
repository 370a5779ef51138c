package api

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/policy"
)

func (s *API) showOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	_, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err == nil && found.Override.IsZero() {
		err = directory.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, found.Override)
}

func (s *API) putOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	var wanted policy.Override
	if err := readJSON(c, &wanted); err != nil {
		return err
	}
	o, _, err := s.admin.PutOverride(c.Request().Context(), actor(c), typed,
		func(now policy.Override) (policy.Override, error) {
			if !wanted.Address.IsZero() && wanted.Address.Key() != now.Address.Key() {
				return now, fmt.Errorf("%w: the address in the body must be the mailbox's primary one, %s", errJSON, now.Address)
			}
			return wanted, nil
		})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, o)
}

func (s *API) removeOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	if err := s.admin.RemoveOverride(c.Request().Context(), actor(c), typed); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
