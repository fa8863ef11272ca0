package dialect

// Policy is what a vendor or model accepts of a dialect's request fields: data
// from the catalogue, not code. The zero value changes nothing.
type Policy struct {
	// Allow lists the only top-level fields the upstream takes. Empty: any.
	Allow []string `toon:"allow"`
	// Drop lists top-level fields the upstream refuses or misreads.
	Drop []string `toon:"drop"`
	// Refuse lists top-level fields the gateway answers 400 for, because
	// leaving them out would change what the client gets (n, for example).
	Refuse []string `toon:"refuse"`
	// Rename gives top-level fields the name this upstream knows
	// (max_completion_tokens → max_tokens), old → new.
	Rename map[string]string `toon:"rename"`
	// MaxOutput caps the output tokens asked for. 0: no cap.
	MaxOutput int `toon:"max_output"`
	// Temperature is the highest temperature taken. 0: no cap.
	Temperature float64 `toon:"temperature"`
	// MaxStop is how many stop sequences are taken. 0: no limit.
	MaxStop int `toon:"max_stop"`
	// Reasoning names the field that carries reasoning text in Chat messages:
	// "reasoning", "reasoning_content", or "" if the upstream refuses both.
	Reasoning string `toon:"reasoning"`
	// Thinking is how thinking is switched in Chat requests: "effort"
	// (reasoning_effort), "thinking" (thinking{type}), "reasoning"
	// (reasoning{effort}), or "" not at all. In Messages requests: "adaptive"
	// (with output_config.effort), "budget", or "" for adaptive if Genuine and
	// a budget if not.
	Thinking string `toon:"thinking"`
	// Efforts lists the effort levels taken; others map to the nearest.
	Efforts []string `toon:"efforts"`
	// NoToolChoice, NoImages, NoImageURLs, NoDocuments, NoDeveloper, NoSchema
	// and SystemFirst say what the upstream cannot take: tool_choice other
	// than auto, pictures, pictures by URL, documents, the developer role,
	// response_format json_schema; a system turn that is not first.
	NoToolChoice bool `toon:"no_tool_choice"`
	NoImages     bool `toon:"no_images"`
	NoImageURLs  bool `toon:"no_image_urls"`
	NoDocuments  bool `toon:"no_documents"`
	NoDeveloper  bool `toon:"no_developer"`
	NoSchema     bool `toon:"no_schema"`
	SystemFirst  bool `toon:"system_first"`
	// Genuine says that the upstream is Anthropic itself: signatures,
	// attribution and device ids stay.
	Genuine bool `toon:"genuine"`
}
