package console

import "context"

// Alerts are what needs somebody's eyes.
type Alerts interface {
	Alerts(ctx context.Context) ([]Alert, []AlertRule, error)
}

// Alert is a rule that is, or lately was, broken.
type Alert struct {
	Name      string  `json:"name"`
	State     string  `json:"state"` // pending, firing, resolved
	Metric    string  `json:"metric"`
	Value     float64 `json:"value"`
	Threshold float64 `json:"threshold"`
	Since     Time    `json:"since"`
	Provider  string  `json:"provider,omitzero"`
	Text      string  `json:"text"`
}

// AlertRule is what an alert comes from. Durations are seconds.
type AlertRule struct {
	Name          string  `json:"name"`
	Metric        string  `json:"metric"`
	Threshold     float64 `json:"threshold"`
	Clear         float64 `json:"clear"`
	WindowSeconds float64 `json:"window_seconds"`
	ForSeconds    float64 `json:"for_seconds"`
	MinRequests   int64   `json:"min_requests"`
	Provider      string  `json:"provider,omitzero"`
}

type alertsAnswer struct {
	Alerts []Alert     `json:"alerts"`
	Rules  []AlertRule `json:"rules"`
	Next   string      `json:"next,omitzero"`
}

func listAlerts(k *call) (any, error) {
	alerts, rules, err := k.c.o.Backend.Alerts.Alerts(k.ctx())
	if err != nil {
		return nil, err
	}
	out := alertsAnswer{Rules: rules}
	out.Alerts, out.Next, err = page(k, alerts, func(a Alert) string { return a.Name + "\x00" + a.Provider })
	return out, err
}
