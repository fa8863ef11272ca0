package gateway

// Capture keeps texts of exchanges. It must not block, and owns nothing of what
// it is given: the bytes are somebody else's again when Put returns.
type Capture interface {
	// Put takes a text: kind is "request" or "answer", size that of the whole, of
	// which text may be the beginning.
	Put(requestID, kind string, text []byte, size int64)
	// Longest is how many bytes of a text are wanted.
	Longest() int
}

// capture hands over the request's body and what the client was sent. It does
// nothing unless an operator asked for it.
func (x *Exchange) capture() {
	c := x.gateway.Capture
	if c == nil || x.body == nil {
		return
	}
	sent, size := x.outline.data, int64(len(x.outline.data))
	c.Put(x.ID, "request", sent[:min(len(sent), c.Longest())], size)
	c.Put(x.ID, "answer", x.send.copied, x.Bytes)
}

// copies has the sender keep the beginning of what it sends.
func (s *sender) copies(c Capture) {
	if c != nil {
		s.copyMost = c.Longest()
	}
}

// copy keeps what still fits of b. The lock is held.
func (s *sender) copy(b []byte) {
	if room := s.copyMost - len(s.copied); room > 0 {
		s.copied = append(s.copied, b[:min(len(b), room)]...)
	}
}
