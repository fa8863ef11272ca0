## claude
set -gx ANTHROPIC_BASE_URL 'http://127.0.0.1:8080'
set -gx ANTHROPIC_AUTH_TOKEN 'amx_it\'s_secret'
set -gx API_TIMEOUT_MS '1860000'
set -gx CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC '1'
set -gx ANTHROPIC_MODEL 'coder'
set -gx ANTHROPIC_DEFAULT_OPUS_MODEL 'coder'
set -gx ANTHROPIC_DEFAULT_SONNET_MODEL 'coder'
set -gx ANTHROPIC_DEFAULT_FABLE_MODEL 'coder'
set -gx CLAUDE_CODE_SUBAGENT_MODEL 'coder'
set -gx ANTHROPIC_DEFAULT_HAIKU_MODEL 'coder-mini'
set -e ANTHROPIC_API_KEY
set -e CLAUDE_CODE_OAUTH_TOKEN
set -e CLAUDE_CODE_USE_BEDROCK
set -e CLAUDE_CODE_USE_VERTEX
set -e CLAUDE_CODE_USE_FOUNDRY
set -e ANTHROPIC_SMALL_FAST_MODEL

## codex
set -gx AIMUX_TOKEN 'amx_it\'s_secret'
# Codex takes its provider from its command line or its file, not from the environment:
# codex '-c' 'model_provider="aimux"' '-c' 'model_providers.aimux={name="aimux",base_url="http://127.0.0.1:8080/v1",wire_api="responses",env_key="AIMUX_TOKEN",stream_idle_timeout_ms=300000}' '-c' 'model="coder"'
# or: aimux setup codex --write

## openai
set -gx OPENAI_BASE_URL 'http://127.0.0.1:8080/v1'
set -gx OPENAI_API_KEY 'amx_it\'s_secret'

## anthropic
set -gx ANTHROPIC_BASE_URL 'http://127.0.0.1:8080'
set -gx ANTHROPIC_API_KEY 'amx_it\'s_secret'
set -e ANTHROPIC_AUTH_TOKEN

