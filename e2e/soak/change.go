package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// changes are the changes of configuration during a soak: by Caddy's reload and
// within the process by the API, in turn.
type changes struct {
	world   *world
	reloads int
	applies int
	errors  []string
	worst   time.Duration
}

func (c *changes) run(ctx context.Context) {
	tick := time.NewTicker(min(reloadEvery, c.world.plan.length/6))
	defer tick.Stop()
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		begun := time.Now()
		var err error
		if i%2 == 1 {
			c.reloads++
			err = c.world.gw.Reload(c.world.config(i))
		} else {
			c.applies++
			err = apply(c.world.gw.Admin, fmt.Sprintf(`{"set":[{"pointer":"/limits/event","value":"%dMiB"}]}`, 4+i%9))
		}
		c.worst = max(c.worst, time.Since(begun))
		if err != nil {
			c.errors = append(c.errors, err.Error())
		}
	}
}

var admin = &http.Client{Timeout: 30 * time.Second}

// apply changes the configuration by the API.
func apply(address, change string) error {
	r, err := http.NewRequest(http.MethodPut, address+"/aimux/api/config", strings.NewReader(change))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", "*")
	return do(r)
}

func post(url string) error {
	r, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	return do(r)
}

func do(r *http.Request) error {
	answer, err := admin.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: status %d: %.300s", r.Method, r.URL.Path, answer.StatusCode, text)
	}
	return err
}
