"""Anthropic (platform.claude.com/docs/en/api/overview)."""

from tallygate.genai.catalog import Capabilities
from tallygate.genai.ceilings import Ceilings, Reach
from tallygate.providers.base import Provider

# platform.claude.com/docs/en/models/overview and the page of each model there, November 2026. Larger pictures are
# scaled down to 4,784 tokens, before 4.7 to about 1,600 (docs/en/build-with-claude/vision, and the migration guide of
# Opus 4.7).
_SHARP = Reach(context_tokens=1_000_000, output_tokens_max=128_000, ceilings=Ceilings(image_tokens=4_784))
_LONG = Reach(context_tokens=1_000_000, output_tokens_max=128_000, ceilings=Ceilings(image_tokens=1_600))
_OLDER = Reach(context_tokens=200_000, output_tokens_max=64_000, ceilings=Ceilings(image_tokens=1_600))

# platform.claude.com/docs/en/build-with-claude/{vision,pdf-support,extended-thinking,structured-outputs}. Every model
# since Claude 3 sees and calls tools; thinking came with 3.7, answers by a schema with 4.5.
_BEFORE_THINKING = Capabilities(reasoning=False, json_schema=False)
_BEFORE_SCHEMAS = Capabilities(reasoning=True, json_schema=False)

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
    reaches={
        "claude-*-5-5": _SHARP,
        "claude-fable-5-[12]": _SHARP,
        "claude-opus-5": _SHARP,
        "claude-opus-4-[78]*": _SHARP,
        "claude-*-4-6*": _LONG,
        "claude-*-4-5*": _OLDER,
    },
    capabilities={
        **dict.fromkeys(("claude-3-opus*", "claude-3-sonnet*", "claude-3-haiku*", "claude-3-5-*"), _BEFORE_THINKING),
        **dict.fromkeys(("claude-3-7-*", "claude-sonnet-4-0", "claude-opus-4-0"), _BEFORE_SCHEMAS),
        **dict.fromkeys(("claude-sonnet-4-2025*", "claude-opus-4-2025*"), _BEFORE_SCHEMAS),
        **dict.fromkeys(("claude-*-4-[5-9]*", "claude-*-5*"), Capabilities(reasoning=True, json_schema=True)),
        "claude-*": Capabilities(vision=True, pdf=True, tools=True),
    },
)
