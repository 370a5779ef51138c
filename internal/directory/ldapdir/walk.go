package ldapdir

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Walk calls each for every account; see [directory.Source]. Entries that AliasFilter finds
// aren't included. It uses one connection until it ends. If that fails after the first page,
// the walk fails, as paging can't continue on another connection.
func (d *Source) Walk(ctx context.Context, each func(policy.Account) error) error {
	return d.walk(ctx, d.addressAttributes, func(_ *ldap.Entry, account policy.Account, err error) error {
		if err != nil {
			return nil
		}
		return each(account)
	})
}

// walk calls each for every entry of the list, with the reason if it doesn't count.
func (d *Source) walk(
	ctx context.Context, attributes []string, each func(*ldap.Entry, policy.Account, error) error,
) error {
	// It may use all of ctx's time, not just a server's share of it.
	return d.call(ctx, func(_ context.Context, c *conn) error {
		begun := false
		more, err := d.pages(ctx, c, d.base(d.filters.list.fill(nil), attributes), pageEntries, maxPages,
			func(e *ldap.Entry) error {
				begun = true
				account, err := d.read(e)
				return each(e, account, err)
			})
		if err == nil && more {
			err = cut(c)
		}
		return once(err, begun)
	})
}

func cut(c *conn) error {
	return &failure{c.server, false, errors.New("it doesn't give this reader all entries: raise its size limit for the " +
		"reader")}
}

// base is a search for accounts.
func (d *Source) base(filter string, attributes []string) *ldap.SearchRequest {
	return &ldap.SearchRequest{BaseDN: d.options.Base, Scope: d.scope, Filter: filter, Attributes: attributes}
}

// pages calls each for the entries of a search until it returns an error. more reports that
// the server has further entries, which it withholds or wasn't asked for.
func (d *Source) pages(
	ctx context.Context, c *conn, request *ldap.SearchRequest, size uint32, most int, each func(*ldap.Entry) error,
) (more bool, err error) {
	paging := ldap.NewControlPaging(size)
	request.Controls = []ldap.Control{paging}
	empty := 0
	for range most {
		result, more, err := d.page(ctx, c, request)
		if err != nil {
			return false, err
		}
		if empty++; len(result.Entries) > 0 {
			empty = 0
		} else if empty > maxEmpty {
			c.broken = true
			return false, &failure{c.server, false, errors.New("its pages are empty and don't end")}
		}
		answer, _ := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		last := more || answer == nil || len(answer.Cookie) == 0
		if !last {
			paging.SetCookie(answer.Cookie)
		}
		for _, e := range result.Entries {
			if err := each(e); err != nil {
				if !last {
					d.forget(ctx, c, request, paging)
				}
				return false, err
			}
		}
		if last {
			return more, nil
		}
	}
	d.forget(ctx, c, request, paging)
	return true, nil
}

// forget tells the server that no further pages are wanted (RFC 2696, section 3). If that
// fails, the connection is closed, and the server's state with it.
func (d *Source) forget(ctx context.Context, c *conn, request *ldap.SearchRequest, paging *ldap.ControlPaging) {
	paging.PagingSize = 0
	if _, _, err := d.page(ctx, c, request); err != nil {
		c.broken = true
	}
}

func (d *Source) page(ctx context.Context, c *conn, request *ldap.SearchRequest) (*ldap.SearchResult, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeouts*d.options.Timeout)
	defer cancel()
	return c.search(ctx, pageBytes, request)
}

// errEnough ends a search that has reached its limit.
var errEnough = errors.New("enough")

// Search finds accounts by a part of their address or name; see
// [directory.Source]. The domains are those of the primary addresses.
func (d *Source) Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	text = strings.TrimSpace(text)
	if limit <= 0 || domains != nil && len(domains) == 0 || len(text) > maxSearchText {
		return nil, nil
	}
	ctx, cancel := d.timely(ctx)
	defer cancel()
	filter := d.filters.list.fill(nil)
	if text != "" {
		filter = d.filters.search.fill(func(string) string { return text })
	}
	chunks := [][]string{nil}
	if domains != nil {
		chunks = slices.Collect(slices.Chunk(domains, maxDomains))
	}
	size := uint32(min(max(limit, 20), pageEntries)) // it is between 20 and 500
	var found []policy.Account
	err := d.call(ctx, func(ctx context.Context, c *conn) error {
		found = nil
		for _, chunk := range chunks {
			_, err := d.pages(ctx, c, d.base(d.within(filter, chunk), d.accountAttributes), size, maxSearchPages,
				func(e *ldap.Entry) error {
					account, err := d.read(e)
					outside := domains != nil && !slices.Contains(chunk, account.Address.Domain())
					if err != nil || outside || d.fill(&account, e) != nil {
						return nil
					}
					if found = append(found, account); len(found) == limit {
						return errEnough
					}
					return nil
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return found, nil
}

// within narrows a filter to addresses in some domains.
func (d *Source) within(filter string, domains []string) string {
	if domains == nil {
		return filter
	}
	// The primary address may be in any of them.
	names := unrepeated(slices.Concat(d.addressNames, []string{d.options.Attributes.Addresses}))
	narrowed := &strings.Builder{}
	narrowed.WriteString("(&" + filter + "(|")
	for _, domain := range domains {
		for _, form := range slices.Compact([]string{domain, settings.UnicodeDomain(domain)}) {
			for _, name := range names {
				if name != "" {
					narrowed.WriteString("(" + name + "=*@" + ldap.EscapeFilter(form) + ")")
				}
			}
		}
	}
	narrowed.WriteString("))")
	return narrowed.String()
}
