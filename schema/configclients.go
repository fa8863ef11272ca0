package schema

import "time"

// Client is one who may use the gateway and whose key comes from the
// environment or a file. A limit of 0 is none.
type Client struct {
	Name     string    `json:"name"`
	Team     string    `json:"team,omitempty"`
	Secret   SecretRef `json:"secret"`
	Models   []string  `json:"models,omitempty"`
	Dialects []string  `json:"dialects,omitempty"`
	Networks []string  `json:"networks,omitempty"`
	// Expires is a day or a moment; see ParseExpiry.
	Expires string `json:"expires,omitempty"`
	Allowance
	Enabled *bool `json:"enabled,omitempty"`
}

// On says whether the client's key is taken. Default: true.
func (c Client) On() bool { return c.Enabled == nil || *c.Enabled }

// Team is what the clients of a team share.
type Team struct {
	Name string `json:"name"`
	Allowance
}

// Allowance is how much a client or a team may use. 0: no limit.
type Allowance struct {
	RequestsPerMinute int     `json:"requests_per_minute,omitempty"`
	TokensPerMinute   int     `json:"tokens_per_minute,omitempty"`
	MaxStreams        int     `json:"max_streams,omitempty"`
	DailyUSD          float64 `json:"daily_usd,omitempty"`
	MonthlyUSD        float64 `json:"monthly_usd,omitempty"`
}

// ParseExpiry reads a day ("2027-01-01", from its beginning in UTC) or a moment
// (RFC 3339, seconds may be left out). Empty: the zero time, which is never.
func ParseExpiry(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Parse(time.RFC3339, s)
}
