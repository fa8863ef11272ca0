package legacy

import "strings"

// whyTop says why a part of an old document, named by the beginning of its pointer,
// has no counterpart. The longest beginning counts.
var whyTop = [...]struct{ begin, why string }{
	{"/version", "the new document has a version of its own"},
	{"/migrated_from", "the account of an earlier migration"},
	{"/migration_timestamp", "the account of an earlier migration"},
	{"/firstRunCompleted", "nothing is asked at the first start"},
	{"/cacheDurationHours", "lists of models are not kept in a file"},
	{"/mode", "aimux starts with and without providers alike"},
	{"/hybridMode/enabled", "kinds of requests have providers of their own, or not"},
	{"/server", "where aimux listens is written in the Caddyfile"},
	{"/router", "what the router did is done by routing and by the Caddyfile"},
	{"/webui", "where the console listens is written in the Caddyfile"},
	{"/claude_gateway", "where aimux listens is written in the Caddyfile"},
	{"/ui", "the console has no such setting"},
	{"/daemon", "the service manager of the system starts and watches aimux"},
	{"/logging", "logs are set by Caddy's log directive"},
	{"/system", "logs and directories are set by the Caddyfile and the service manager"},
	{"/security", "these protections cannot be switched off here, or are set in the Caddyfile; make tokens for clients with `aimux clients`"},
	{"/monitoring", "health is always watched, and metrics are always there"},
	{"/prettifier", "answers reach the client in its own format, unchanged"},
	{"/load_balancing", "failing over and resting providers needs no setting"},
	{"/multiProvider/routing", "it says nothing"},
	{"/multiProvider/fallback", "failing over and resting providers needs no setting"},
	{"/multiProvider/routing/enableFailover", "a request fails over always"},
	{"/multiProvider/routing/loadBalancing", "requests are always spread by the strategy"},
	{"/fallback", "failing over and resting providers needs no setting"},
	{"/failover", "failing over and resting providers needs no setting"},
	{"/routing", "there is no such rule here"},
	{"/performance", "answers are not cached"},
	{"/settings", "it is set in the Caddyfile, or needs no setting"},
	{"/ZAI_", "not a setting of aimux"},
	{"/AIMUX_ENCRYPTION_KEY", "nothing the old version encrypted can be opened, so its key is of no use"},
	{"/AIMUX_", "it is set in the Caddyfile or by the service manager, or needs no setting"},
}

func whyDropped(at string) string {
	if strings.Contains(at, "/models/") {
		return "models are described in the catalogue"
	}
	best, why := 0, "aimux never knew this field, or has nothing like it now"
	for _, w := range whyTop {
		if len(w.begin) > best && strings.HasPrefix(at, w.begin) {
			best, why = len(w.begin), w.why
		}
	}
	return why
}

// providerDropped says why a field of a provider has no counterpart, "" if it is
// not known.
func providerDropped(field string) string {
	switch field {
	case "capabilities", "capability_flags", "supports_thinking", "supports_vision", "supports_tools", "supports_streaming", "supports_json_mode":
		return "what a model can do is in the catalogue"
	case "maxRetries", "retry_attempts", "max_retries", "retry_delay_ms", "retryDelay":
		return "how often a request is tried is routing.max_targets, and no key is asked twice for nothing"
	case "rateLimit", "max_requests_per_minute", "requests_per_minute", "tokens_per_minute":
		return "limits are learned from the provider's answers"
	case "modelsApiUrl", "models_url", "health_check_url":
		return "it follows from the provider's address"
	case "avg_response_time_ms", "success_rate", "error_rate", "response_delay_ms", "status":
		return "it is measured"
	case "health_check_interval", "max_failures", "recovery_delay", "circuit_breaker", "health_check", "connection_pool":
		return "a provider that fails rests and is tried again by itself"
	case "cost_per_output_token", "cost_per_input_token", "costPerToken":
		return "prices are in the catalogue"
	case "custom_settings":
		return "settings of the old program"
	}
	return ""
}
