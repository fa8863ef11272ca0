## claude
export ANTHROPIC_BASE_URL='http://127.0.0.1:8080'
export ANTHROPIC_AUTH_TOKEN='amx_it'\''s_secret'
export API_TIMEOUT_MS='1860000'
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC='1'
export ANTHROPIC_MODEL='coder'
export ANTHROPIC_DEFAULT_OPUS_MODEL='coder'
export ANTHROPIC_DEFAULT_SONNET_MODEL='coder'
export ANTHROPIC_DEFAULT_FABLE_MODEL='coder'
export CLAUDE_CODE_SUBAGENT_MODEL='coder'
export ANTHROPIC_DEFAULT_HAIKU_MODEL='coder-mini'
unset ANTHROPIC_API_KEY
unset CLAUDE_CODE_OAUTH_TOKEN
unset CLAUDE_CODE_USE_BEDROCK
unset CLAUDE_CODE_USE_VERTEX
unset CLAUDE_CODE_USE_FOUNDRY
unset ANTHROPIC_SMALL_FAST_MODEL

## codex
export AIMUX_TOKEN='amx_it'\''s_secret'
# Codex takes its provider from its command line or its file, not from the environment:
# codex '-c' 'model_provider="aimux"' '-c' 'model_providers.aimux={name="aimux",base_url="http://127.0.0.1:8080/v1",wire_api="responses",env_key="AIMUX_TOKEN",stream_idle_timeout_ms=300000}' '-c' 'model="coder"'
# or: aimux setup codex --write

## openai
export OPENAI_BASE_URL='http://127.0.0.1:8080/v1'
export OPENAI_API_KEY='amx_it'\''s_secret'

## anthropic
export ANTHROPIC_BASE_URL='http://127.0.0.1:8080'
export ANTHROPIC_API_KEY='amx_it'\''s_secret'
unset ANTHROPIC_AUTH_TOKEN

