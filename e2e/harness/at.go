package harness

import "net/http"

// At returns a client of an aimux that is already there: url has no path, and
// client says how it is reached. Only what asks and reads answers works on it.
func At(url string, client *http.Client) *Gateway { return &Gateway{URL: url, client: client} }
