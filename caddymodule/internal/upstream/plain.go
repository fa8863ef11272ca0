package upstream

import "net/http"

// RoundTrip sends any request over the client's connections, without its
// timers: for tests of keys and other small questions, whose context bounds
// them.
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) { return c.transport.RoundTrip(r) }
