package gateway

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// settle ends the exchange, however it went: it is deferred. Keys and trials
// were given back by their tries; what is left is the record.
func (x *Exchange) settle() {
	if cause := recover(); cause != nil {
		x.panicked(cause)
	}
	x.Bytes = x.send.close()
	x.tally()
	x.capture()
	x.Duration = x.since()
	if x.Reason == "" {
		x.conclude()
	}
	x.gateway.Observer.Observe(&x.Record)
	x.log()
	if x.body != nil {
		x.body.release() // another request reads into the same memory from now on
	}
}

// conclude takes the result from the last attempt.
func (x *Exchange) conclude() {
	x.Reason = "ok"
	if n := len(x.Attempts); n > 0 {
		x.Class, x.Reason = x.Attempts[n-1].Class, x.Attempts[n-1].Reason
	}
}

// panicked answers for a stage that panicked: this request ends properly, the
// others live.
func (x *Exchange) panicked(cause any) {
	x.gateway.Logger.Error("a stage panicked", "request_id", x.ID, "panic", cause, "stack", string(debug.Stack()))
	x.Class, x.Reason = llm.ClassTransient, "panic"
	if status := x.send.fail(internalError(x.ID)); status != 0 {
		x.Status = status
	}
}

func internalError(id string) *llm.Error {
	return &llm.Error{Type: llm.ErrInternal, Class: llm.ClassTransient, Status: 500, RequestID: id,
		Message: "aimux failed inside; the log has the request id"}
}

// LogLevel says which exchanges get a line in the log.
type LogLevel string

// The log levels.
const (
	LogAll      LogLevel = "all"
	LogFailures LogLevel = "failed"
	LogNone     LogLevel = "none"
)

// log writes one line for the exchange, and at debug level one for each
// attempt. Neither holds a key, a prompt or an answer.
func (x *Exchange) log() {
	logger, ctx := x.gateway.Logger, context.Background()
	level := slog.LevelInfo
	if x.Class != llm.ClassNone && x.Class != llm.ClassCanceled {
		level = slog.LevelWarn
	}
	if logger.Enabled(ctx, slog.LevelDebug) {
		for i := range x.Attempts {
			x.logAttempt(&x.Attempts[i])
		}
	}
	wanted := x.gateway.LogLevel
	if wanted == LogNone || wanted == LogFailures && level == slog.LevelInfo || !logger.Enabled(ctx, level) {
		return
	}
	strategy, candidates, sticky := x.decided()
	attrs := [...]slog.Attr{
		slog.String("request_id", x.ID), slog.String("call", x.Call), slog.String("client", x.Client),
		slog.String("model", clip(x.Model, 120)), slog.Bool("stream", x.Stream),
		slog.String("provider", x.Provider), slog.String("target", x.Target),
		slog.Int("attempts", len(x.Attempts)), slog.Int("status", x.Status), slog.String("code", x.Reason),
		slog.Duration("ttft", x.TTFT), slog.Duration("duration", x.Duration), slog.Int64("bytes", x.Bytes),
		slog.Int("input_tokens", x.Usage.Input), slog.Int("output_tokens", x.Usage.Output),
		slog.Int64("cost_microusd", x.Cost),
		slog.String("cause", x.cause()), slog.Any("dropped", x.left()),
		slog.String("strategy", strategy), slog.Int("candidates", candidates), slog.Bool("sticky", sticky),
		{}, // for several attempts
	}
	if len(x.Attempts) > 1 {
		attrs[len(attrs)-1] = slog.Any("tried", x.tried())
		write(logger, level, "exchange", attrs[:])
		return
	}
	write(logger, level, "exchange", attrs[:len(attrs)-1])
}

// write logs a line without the place in the code that it comes from, which
// nobody is shown and which takes longest to find out.
func write(logger *slog.Logger, level slog.Level, message string, attrs []slog.Attr) {
	line := slog.NewRecord(time.Now(), level, message, 0)
	line.AddAttrs(attrs...)
	_ = logger.Handler().Handle(context.Background(), line)
}

// decided is the decision in short: how, among how many candidates, and whether
// the conversation stayed where it was.
func (x *Exchange) decided() (strategy string, candidates int, sticky bool) {
	if x.Plan == nil {
		return "", 0, false
	}
	return string(x.Plan.Strategy), len(x.Plan.Candidates), x.Plan.Sticky
}

// triedOne is an attempt in the line of its exchange.
type triedOne struct {
	Provider string  `json:"provider"`
	Model    string  `json:"model"`
	Key      string  `json:"key"`
	Status   int     `json:"status"`
	Class    string  `json:"class"`
	Code     string  `json:"code"`
	MS       float64 `json:"ms"`
}

// tried are the attempts, for exchanges that took several.
func (x *Exchange) tried() []triedOne {
	out := make([]triedOne, len(x.Attempts))
	for i := range x.Attempts {
		a := &x.Attempts[i]
		out[i] = triedOne{a.Provider, a.Model, a.Key, a.Status, a.Class.String(), a.Reason, float64(a.Duration.Microseconds()) / 1000}
	}
	return out
}

// left is what the last attempt left out of the request.
func (x *Exchange) left() []string {
	if n := len(x.Attempts); n > 0 {
		return x.Attempts[n-1].Dropped
	}
	return nil
}

// cause is the operator's side of the last failure.
func (x *Exchange) cause() string {
	if n := len(x.Attempts); n > 0 && x.Class != llm.ClassNone {
		return x.Attempts[n-1].Message
	}
	return ""
}

func (x *Exchange) logAttempt(a *Attempt) {
	x.gateway.Logger.LogAttrs(context.Background(), slog.LevelDebug, "attempt",
		slog.String("request_id", x.ID), slog.String("provider", a.Provider), slog.String("model", a.Model),
		slog.String("key", a.Key), slog.Int("status", a.Status), slog.String("class", a.Class.String()),
		slog.String("code", a.Reason), slog.String("vendor_code", a.Code), slog.String("cause", a.Message),
		slog.Duration("start", a.Start), slog.Duration("ttft", a.TTFT), slog.Duration("duration", a.Duration),
		slog.Duration("wait", a.Wait), slog.Any("dropped", a.Dropped))
}
