package command

// What tests beside the module itself look at.
var (
	AdaptCaddyfile = adaptCaddyfile
	LeakingLogs    = leakingLogs
)
