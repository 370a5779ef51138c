package api

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
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
	return answer(c, http.StatusOK, found.Override)
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
	return s.changeOverride(c, typed, func(*policy.Override) (policy.Override, error) { return wanted, nil })
}

func (s *API) patchOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	patch, err := readPatch(c)
	if err != nil {
		return err
	}
	return s.changeOverride(c, typed, func(before *policy.Override) (policy.Override, error) {
		return patched(before, patch)
	})
}

// changeOverride stores what change makes of an override, where the request's conditions
// are met.
func (s *API) changeOverride(
	c echo.Context, typed settings.Address, change func(before *policy.Override) (policy.Override, error),
) error {
	isNew := false
	o, _, err := s.admin.PutOverride(c.Request().Context(), actor(c), typed,
		func(now policy.Override) (policy.Override, error) {
			before := &now
			if isNew = now.IsZero(); isNew {
				before = nil
			}
			if err := meets(c, before); err != nil {
				return now, err
			}
			wanted, err := change(before)
			if err != nil {
				return now, err
			}
			if !wanted.Address.IsZero() && wanted.Address.Key() != now.Address.Key() {
				return now, field("address", fmt.Errorf("%w: the address in the body must be the mailbox's primary one, %s",
					errJSON, now.Address))
			}
			return wanted, nil
		})
	if err != nil {
		return err
	}
	return answer(c, made(c, isNew && !o.IsZero()), o)
}

func (s *API) removeOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	err = s.admin.RemoveOverride(c.Request().Context(), actor(c), typed, asMet[policy.Override](c))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
