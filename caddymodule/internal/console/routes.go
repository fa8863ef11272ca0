package console

import "github.com/aimux/aimux/caddymodule/internal/console/auth"

// routes is everything the console answers besides the page, and who may ask.
// What is not listed is not there. A route with auth.Nobody is open to all; a
// handler cannot be reached but through its row.
func routes() []route {
	const (
		open     = auth.Nobody
		viewer   = auth.Viewer
		operator = auth.Operator
		admin    = auth.Admin
	)
	return []route{
		{method: "GET", pattern: "/healthz", role: open, handle: getHealth},
		{method: "POST", pattern: "/api/login", role: open, handle: login},
		{method: "POST", pattern: "/api/logout", role: viewer, unset: true, handle: logout},
		{method: "GET", pattern: "/api/session", role: open, handle: getSession},
		{method: "POST", pattern: "/api/password", role: viewer, unset: true, action: "password.set", handle: setPassword},

		{method: "GET", pattern: "/api/users", role: admin, handle: listUsers},
		{method: "POST", pattern: "/api/users", role: admin, action: "user.create", handle: createUser},
		{method: "DELETE", pattern: "/api/users/{user}", role: admin, action: "user.delete", handle: deleteUser},

		{method: "GET", pattern: "/api/meta", role: viewer, handle: getMeta},
		{method: "GET", pattern: "/api/metrics", role: viewer, handle: getMetrics},
		{method: "GET", pattern: "/api/metrics/history", role: viewer, handle: getHistory},
		{method: "GET", pattern: "/api/catalogue", role: viewer, handle: getCatalogue},

		{method: "GET", pattern: "/api/providers", role: viewer, handle: listProviders},
		{method: "POST", pattern: "/api/providers", role: admin, action: "provider.create", handle: createProvider},
		{method: "POST", pattern: "/api/providers/order", role: admin, action: "provider.order", handle: orderProviders},
		{method: "GET", pattern: "/api/providers/{id}", role: viewer, handle: getProvider},
		{method: "PUT", pattern: "/api/providers/{id}", role: admin, action: "provider.update", handle: putProvider},
		{method: "DELETE", pattern: "/api/providers/{id}", role: admin, action: "provider.delete", handle: deleteProvider},
		{method: "POST", pattern: "/api/providers/{id}/test", role: operator, action: "provider.test", handle: testProvider},
		{method: "POST", pattern: "/api/providers/{id}/toggle", role: operator, action: "provider.toggle", handle: toggleProvider},

		{method: "GET", pattern: "/api/keys", role: viewer, handle: listKeys},
		{method: "POST", pattern: "/api/keys", role: admin, action: "key.create", handle: createKey},
		{method: "PUT", pattern: "/api/keys/{provider}/{name}", role: admin, action: "key.update", handle: putKey},
		{method: "DELETE", pattern: "/api/keys/{provider}/{name}", role: admin, action: "key.delete", handle: deleteKey},
		{method: "POST", pattern: "/api/keys/{provider}/{name}/reset", role: operator, action: "key.reset", handle: resetKey},

		{method: "GET", pattern: "/api/models", role: viewer, handle: listModels},
		{method: "PUT", pattern: "/api/models", role: admin, action: "models.update", handle: putModels},

		{method: "GET", pattern: "/api/requests", role: viewer, handle: listRequests},
		{method: "GET", pattern: "/api/requests/{id}", role: viewer, handle: getRequest},
		{method: "GET", pattern: "/api/requests/{id}/capture", role: admin, handle: getCaptured},
		{method: "GET", pattern: "/api/sessions", role: viewer, handle: listSessions},
		{method: "GET", pattern: "/api/usage", role: viewer, handle: getUsage},

		{method: "GET", pattern: "/api/clients", role: viewer, handle: listClients},
		{method: "POST", pattern: "/api/clients", role: admin, action: "client.create", handle: createClient},
		{method: "PUT", pattern: "/api/clients/{id}", role: admin, action: "client.update", handle: putClient},
		{method: "DELETE", pattern: "/api/clients/{id}", role: admin, action: "client.delete", handle: deleteClient},
		{method: "POST", pattern: "/api/clients/{id}/rotate", role: admin, action: "client.rotate", handle: rotateClient},

		{method: "GET", pattern: "/api/alerts", role: viewer, handle: listAlerts},
		{method: "GET", pattern: "/api/audit", role: viewer, handle: getAudit},
		{method: "POST", pattern: "/api/audit/verify", role: operator, handle: verifyAudit},

		{method: "GET", pattern: "/api/config", role: viewer, handle: getConfig},
		{method: "PUT", pattern: "/api/config", role: admin, action: "config.update", handle: putConfig},
		{method: "POST", pattern: "/api/config/validate", role: admin, handle: validateConfig},
		{method: "POST", pattern: "/api/config/undo", role: admin, action: "config.undo", handle: undoConfig},
		{method: "GET", pattern: "/api/config/schema", role: viewer, handle: getConfigSchema},

		{method: "GET", pattern: "/ws", role: viewer, handle: serveSocket},
		{method: "GET", pattern: "/api/events", role: viewer, handle: serveEvents},
	}
}
