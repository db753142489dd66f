package api

import (
	"net/http"

	"keyferry/server/challenge"
)

// noPath is the path of a request whose own has no normal form. No route has it, as
// all begin with a slash.
const noPath = ""

// ServeHTTP routes by the normal form of the request's path. A user action is
// compared with that same form, so that what was signed and what is done cannot be
// two readings of one path. Folding slashes here and not by a redirect keeps a
// client from repeating its POST as a GET.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, err := challenge.NormalPath(r.URL.EscapedPath())
	if err != nil {
		path = noPath
	}
	normal := r.WithContext(r.Context()) // a copy: the server's own request stays as it is
	url := *r.URL
	url.Path, url.RawPath = path, ""
	normal.URL = &url
	a.router.ServeHTTP(w, normal)
}
