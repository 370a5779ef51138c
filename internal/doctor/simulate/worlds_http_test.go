package simulate

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
)

// httpRows are about how a document is answered. Each has another one at the next
// place, so that it is seen whether a program goes on.
func httpRows() []row {
	at := func(name string, h http.HandlerFunc) row {
		return row{name: "http: " + name, pages: pages{"https://autoconfig.D": config(h), "https://D": known(otherPage)}}
	}
	document := configWith(goodIMAP + goodSMTP)
	var rows []row
	for _, status := range []int{201, 202, 203, 204, 206, 226, 300, 304, 400, 401, 403, 404, 410, 418, 429, 500, 503} {
		h := say(status, xmlType, document)
		if status == http.StatusNoContent || status == http.StatusNotModified {
			h = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) }
		}
		rows = append(rows, at(fmt.Sprintf("status %d with a document", status), h))
	}
	for _, kind := range []string{
		"text/xml", "application/xml", "Text/XML", "APPLICATION/XML", "text/xml;charset=UTF-8", `text/xml; charset="utf-8"`, "text/xml; charset=unknown", "text/xml; charset",
		"text/xml-foo", "application/xml-dtd", "application/xml+foo", "text/rdf", "text/rdf+xml", "application/xhtml+xml", "application/atom+xml", "text/html", "text/plain", "application/octet-stream",
		"application/json", "text/json", "text/xml, text/html", "xml", "text/xml; charset=iso-8859-1", "application/x-download",
	} {
		rows = append(rows, at(fmt.Sprintf("type %q", kind), say(200, kind, document)))
	}
	rows = append(
		rows,
		at("no type", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header()["Content-Type"] = nil
			_, _ = rw.Write([]byte(document))
		}),
		at("JSON", say(200, "application/json", `{"a": 1}`)),
		at("an empty answer", say(200, xmlType, "")),
		at("an empty text", say(200, "text/plain", "")),
		at("an empty HTML page", say(200, "text/html", "")),
		at("Latin 1 by the header", say(200, "text/xml; charset=iso-8859-1", strings.Replace(document, "<incoming", "<displayName>B\xFCcher</displayName><incoming", 1))),
		at("UTF-8 that is declared another by the header", say(200, "text/xml; charset=iso-8859-1", strings.Replace(document, "<incoming", "<displayName>Bücher</displayName><incoming", 1))),
		at("compressed", gzipped(document)),
		at("compressed, but not really", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			say(200, xmlType, document)(rw, nil)
		}),
		at("cut by the length", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			rw.Header().Set("Content-Length", fmt.Sprint(len(document)+100))
			_, _ = rw.Write([]byte(document))
		}),
		at("cut in the middle", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			rw.Header().Set("Content-Length", fmt.Sprint(len(document)))
			_, _ = rw.Write([]byte(document[:len(document)/2]))
		}),
		at("in pieces", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			for _, piece := range strings.SplitAfter(document, ">") {
				_, _ = rw.Write([]byte(piece))
				_ = http.NewResponseController(rw).Flush()
			}
		}),
		at("closed without an answer", func(rw http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }),
		at("no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		at("a page of 300 KiB", say(200, xmlType, strings.Replace(document, "<incoming", "<!--"+strings.Repeat("x", 300<<10)+"--><incoming", 1))),
		at("a cookie is wanted", func(rw http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("seen"); err != nil {
				http.SetCookie(rw, &http.Cookie{Name: "seen", Value: "1"})
				moved(302, "https://autoconfig.D/mail/config-v1.1.xml?again")(rw, r)
				return
			}
			say(200, xmlType, document)(rw, r)
		}),
		at("an attachment", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Disposition", "attachment; filename=config.xml")
			say(200, xmlType, document)(rw, r)
		}),
	)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := at(fmt.Sprintf("redirect %d", status), moved(status, "https://shared.H/x.xml"))
		r.pages["https://shared.H"] = atPath("/x.xml", goodPage)
		rows = append(rows, r)
	}
	more := []struct {
		name, to string
		pages    pages
	}{
		{"redirect to http", "http://shared.H/x.xml", pages{"http://shared.H": atPath("/x.xml", goodPage)}},
		{"redirect to a path", "/x.xml", nil},
		{"redirect with a fragment", "https://shared.H/x.xml#a", pages{"https://shared.H": atPath("/x.xml", goodPage)}},
		{"redirect to itself", "https://autoconfig.D/mail/config-v1.1.xml", nil},
		{"redirect to nowhere", "https://nowhere.H/x.xml", nil},
		{"redirect to an HTML page", "https://shared.H/", pages{"https://shared.H": say(200, "text/html", page200)}},
		{"redirect without a target", "", nil},
		{"redirect to another scheme", "ftp://shared.H/x.xml", nil},
		{"twelve redirects", "https://shared.H/12", pages{"https://shared.H": countdown}},
		{"twenty redirects", "https://shared.H/19", pages{"https://shared.H": countdown}},
		{"twenty-one redirects", "https://shared.H/20", pages{"https://shared.H": countdown}},
		{"thirty redirects", "https://shared.H/29", pages{"https://shared.H": countdown}},
	}
	for _, m := range more {
		r := at(m.name, moved(302, m.to))
		for place, page := range m.pages {
			r.pages[place] = page
		}
		rows = append(rows, r)
	}
	return rows
}

// countdown redirects as often as its path says, and then has the document.
func countdown(rw http.ResponseWriter, r *http.Request) {
	var left int
	if _, err := fmt.Sscanf(r.URL.Path, "/%d", &left); err != nil || left <= 1 {
		goodPage(rw, r)
		return
	}
	http.Redirect(rw, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
}

func gzipped(text string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", xmlType)
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
	}
}
