"""Anthropic (platform.claude.com/docs/en/api/overview)."""

from tallygate.providers.base import Provider

ROW = Provider(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com",
    speaks={"anthropic_messages": "/v1/messages"},
    auth="x-api-key",
    key_env=("ANTHROPIC_API_KEY",),
    # platform.claude.com/docs/en/about-claude/models/overview, November 2026.
    models=("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-7", "claude-sonnet-4-6"),
    claims=("claude-*",),
)
