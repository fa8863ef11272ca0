package simulator

import (
	"net/http"
	"strings"
)

// dialect is the wire format of a conversation.
type dialect uint8

const (
	noDialect dialect = iota
	chat
	messages
	responses
)

// String returns the name that records show.
func (d dialect) String() string {
	return [...]string{"", "chat", "messages", "responses"}[d]
}

// call is what a path asks for.
type call uint8

const (
	unknownCall call = iota
	rootCall
	completeCall
	countCall
	embedCall
	listCall
	modelCall
	quotaCall
)

// target is what a request's path says. Any prefix is tolerated (Z.AI has no /v1, others have /anthropic in front).
type target struct {
	call    call
	dialect dialect
	id      string // of modelCall
}

func targetOf(path string) target {
	switch {
	case path == "/" || path == "":
		return target{call: rootCall}
	case strings.HasSuffix(path, "/chat/completions"):
		return target{call: completeCall, dialect: chat}
	case strings.HasSuffix(path, "/messages"):
		return target{call: completeCall, dialect: messages}
	case strings.HasSuffix(path, "/responses"):
		return target{call: completeCall, dialect: responses}
	case strings.HasSuffix(path, "/messages/count_tokens"):
		return target{call: countCall, dialect: messages}
	case strings.HasSuffix(path, "/responses/input_tokens"):
		return target{call: countCall, dialect: responses}
	case strings.HasSuffix(path, "/embeddings"):
		return target{call: embedCall}
	case strings.HasSuffix(path, "/models"):
		return target{call: listCall}
	}
	if _, id, ok := strings.Cut(path, "/models/"); ok {
		return target{call: modelCall, id: id}
	}
	if v, _ := quotaOwner(path); v != nil {
		return target{call: quotaCall}
	}
	return target{}
}

// anthropicSide reports whether errors for the request take the vendor's Anthropic form.
func (x *exchange) anthropicSide() bool {
	if x.target.dialect != noDialect {
		return x.target.dialect == messages
	}
	return x.vendor.name == "anthropic" || x.r.Header["Anthropic-Version"] != nil || strings.Contains(x.r.URL.Path, "/anthropic/")
}

// keyOf returns the API key, and whether the request carries two.
func keyOf(r *http.Request) (key string, both bool) {
	var bearer string
	if h := r.Header["Authorization"]; len(h) > 0 {
		bearer = h[0]
		if len(bearer) >= 7 && strings.EqualFold(bearer[:7], "bearer ") {
			bearer = bearer[7:]
		}
	}
	if h := r.Header["X-Api-Key"]; len(h) > 0 {
		return h[0], bearer != ""
	}
	return bearer, false
}
