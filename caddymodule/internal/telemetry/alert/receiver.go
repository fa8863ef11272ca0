package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// receiver is where a Webhook posts to at present. It never changes.
type receiver struct {
	o      WebhookOptions // filled
	host   string
	client *http.Client
}

// newReceiver checks and fills the options.
func newReceiver(o WebhookOptions) (*receiver, error) {
	target, err := checkURL(o.URL)
	if err != nil {
		return nil, err
	}
	o.Attempts, o.Timeout, o.Backoff = or(o.Attempts, 5), or(o.Timeout, 10*time.Second), or(o.Backoff, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = transport(target)
	}
	return &receiver{o: o, host: target.Host, client: &http.Client{
		Transport: o.Transport, Timeout: o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// post sends the body once. again says whether another attempt may help.
func (r *receiver) post(ctx context.Context, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.o.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "aimux")
	if len(r.o.Secret) > 0 {
		req.Header.Set(SignatureHeader, Sign(r.o.Secret, r.o.Now(), body))
	}
	answer, err := r.client.Do(req)
	if err != nil {
		return true, withoutURL(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10) // so that the connection serves again
	switch status := answer.StatusCode; {
	case status/100 == 2:
		return false, nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return true, fmt.Errorf("status %d", status)
	default:
		return false, fmt.Errorf("status %d", status)
	}
}

// withoutURL takes the URL out of a client's error: it may hold a secret.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
