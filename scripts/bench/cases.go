package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// benchCase is one kind of request, and what it is held against.
type benchCase struct {
	name    string
	request request
	// sample asks for what the floors send.
	sample string
	status string
	// service is the kind of ours, floors are those that it is held against.
	service string
	floors  []string
	// anew is a connection for each request.
	anew bool
	// accounts are those of another store than the usual one; what it is held against is
	// then ours with the first of the stores.
	accounts int
	// goal is the ratio of processor times that is promised, by floor.
	goal map[string]float64
}

// The kinds of our service.
const (
	plainService  = "plain"
	signedService = "signed"
	tlsService    = "tls"
)

// usualAccounts are in the store of all cases but those about stores.
const usualAccounts = 100_000

const nginx = "nginx"

// firstCase is the one that peers are asked as well.
const firstCase = "autoconfig"

func get(host, target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
}

func post(body string) string {
	return "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\nContent-Type: text/xml\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func outlookRequest(address string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
		`<Request><EMailAddress>` + address + `</EMailAddress><AcceptableResponseSchema>` +
		`http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
}

const (
	setupHost  = "setup.example.com"
	configPath = "/mail/config-v1.1.xml?emailaddress="
)

func encoded(address string) string { return strings.Replace(address, "@", "%40", 1) }

// each makes requests of addresses that are drawn.
func each(draw func(r *rand.Rand) string, text func(address string) string) request {
	return func(to []byte, r *rand.Rand) []byte { return append(to, text(draw(r))...) }
}

func drawn(accounts int) func(r *rand.Rand) string {
	return func(r *rand.Rand) string { return address(r.IntN(accounts)) }
}

func autoconfigOf(address string) string { return get(setupHost, configPath+encoded(address)) }
func profileOf(address string) string {
	return get(setupHost, "/email.mobileconfig?emailaddress="+encoded(address))
}

func allCases(stores []int) []benchCase {
	known := drawn(usualAccounts)
	unknown := func(r *rand.Rand) string {
		return "x" + strconv.FormatUint(r.Uint64(), 36) + "@" + domainName(r.IntN(domains))
	}
	hot := drawn(1000)
	digest := func(address string) string {
		_, domain, _ := strings.Cut(address, "@")
		sum := md5.Sum([]byte(address))
		return get(setupHost, configPath+"EVOLUTIONUSER%40"+domain+"&emailmd5="+hex.EncodeToString(sum[:]))
	}
	cases := []benchCase{
		{name: firstCase, request: each(hot, autoconfigOf), floors: []string{floorEcho, nginx}, goal: map[string]float64{floorEcho: 0.85}},
		{name: "autoconfig, 100,000 accounts", request: each(known, autoconfigOf)},
		{name: "autoconfig, unknown account", request: each(unknown, autoconfigOf)},
		{
			name: "autoconfig, unknown domain", status: "404", sample: autoconfigOf("u@nowhere.example"),
			request: each(func(r *rand.Rand) string { return "u@x" + strconv.Itoa(r.IntN(1000)) + ".example" }, autoconfigOf),
		},
		{name: "autoconfig, Evolution's digest", request: each(hot, digest), sample: digest(sampleAddress)},
		{
			name: "Autodiscover", request: each(hot, func(a string) string { return post(outlookRequest(a)) }), sample: post(outlookRequest(sampleAddress)),
			floors: []string{floorParse}, goal: map[string]float64{floorParse: 1},
		},
		{
			name: "Autodiscover, 100,000 accounts", request: each(known, func(a string) string { return post(outlookRequest(a)) }),
			sample: post(outlookRequest(sampleAddress)), floors: []string{floorParse},
		},
		{name: "profile, unsigned", request: each(hot, profileOf), sample: profileOf(sampleAddress), goal: map[string]float64{floorEcho: 0.5}},
		{
			name: "profile, signed", request: each(hot, profileOf), sample: profileOf(sampleAddress),
			service: signedService, floors: []string{floorSign}, goal: map[string]float64{floorSign: 0.8},
		},
		{
			name: "setup page", sample: get("autoconfig.d7.example", "/"),
			request: each(func(r *rand.Rand) string { return domainName(r.IntN(domains)) }, func(d string) string { return get("autoconfig."+d, "/") }),
		},
		{
			name: "a TLS connection for each request", request: each(hot, autoconfigOf), service: tlsService, anew: true,
			floors: []string{floorTLS}, goal: map[string]float64{floorTLS: 0.9},
		},
	}
	for i, n := range stores {
		if i > 0 {
			cases = append(cases, benchCase{name: fmt.Sprintf("autoconfig, a store of %d accounts", n), request: each(drawn(n), autoconfigOf), accounts: n})
		}
	}
	for i := range cases {
		c := &cases[i]
		if c.sample == "" {
			c.sample = autoconfigOf(sampleAddress)
		}
		if c.status == "" {
			c.status = "200"
		}
		if c.service == "" {
			c.service = plainService
		}
		if c.floors == nil && c.accounts == 0 {
			c.floors = []string{floorEcho}
		}
	}
	return cases
}
