package caddymodule

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// The parts of aimux that log under a name of their own, so that Caddy's log
// directive can give each its level and its file: `include aimux.exchanges`.
const (
	logExchanges = "exchanges" // one line an exchange, and at debug one an attempt
	logKeys      = "keys"      // keys that rest
	logAlerts    = "alerts"
	logHealth    = "health" // the health log
	logLedger    = "ledger"
)

// loggers makes loggers for the parts of aimux.
type loggers struct {
	whole *slog.Logger
	core  zapcore.Core // nil outside Caddy
}

func newLoggers(ctx caddy.Context) loggers { return loggers{ctx.Slogger(), ctx.Logger().Core()} }

// loggers are those of an app in Caddy, or what a command made do with.
func (a *App) loggers() loggers {
	if a.logs.whole == nil {
		return loggers{whole: a.logger}
	}
	return a.logs
}

// part returns the logger aimux.<name>.
func (l loggers) part(name string) *slog.Logger {
	if l.core == nil {
		return l.whole
	}
	noTraces := zapslog.AddStacktraceAt(slog.Level(127))
	return slog.New(zapslog.NewHandler(l.core, zapslog.WithName("aimux."+name), noTraces))
}
