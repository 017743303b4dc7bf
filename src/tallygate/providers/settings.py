"""The settings of one provider: where it is, which dialects it speaks and how it signs in.

Every field of a provider known here may be left out: what is set replaces that field of its row, the rest stays.
Secrets never stand here, only the name of the variable or the file that holds them.
"""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from tallygate.genai.caching import CacheHint
from tallygate.genai.catalog import Capabilities
from tallygate.providers.base import Auth, OutputCapKey, OwnTimeouts

HttpUrl = Annotated[str, Meta(pattern="^https?://[^/]", description="a URL that begins with http:// or https://")]
UrlPath = Annotated[str, Meta(pattern="^/", description="a path that begins with /")]
RegionName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z", description="a region such as eu-west-1")]
VariableName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z", description="the name of a variable")]


class ProviderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[providers.NAME]``."""

    base_url: HttpUrl | None = None
    # Dialect name to the path under `base_url` where the provider speaks it.
    speaks: dict[str, UrlPath] = field(default_factory=dict[str, str])
    # The name of an environment variable, never the key itself.
    api_key_env: VariableName | None = None
    api_key_file: Path | None = None
    # The header the key travels in; `none` sends no key.
    auth: Auth | None = None
    # Sent with every call to this provider.
    headers: dict[str, str] = field(default_factory=dict[str, str])
    # False for a server that refuses `stream_options`; its streams then may come without usage.
    stream_usage: bool | None = None
    # The key of a chat request that bounds the output here; others are understood as this one.
    output_cap_key: OutputCapKey | None = None
    # Where it may serve a call, every place of them; empty: not known.
    regions: tuple[RegionName, ...] = ()
    # Whether it keeps what it is sent once it has answered; None: not known.
    keeps_inputs: bool | None = None
    # True for a server of one's own that nobody bills; False for an engine here whose calls shall have prices.
    free: bool | None = None
    # Hints about the caching of prompts that it knows in the dialect openai_chat.
    cache_hints: tuple[CacheHint, ...] | None = None
    # What its models can do, by patterns of their names; said before what is known here.
    capabilities: dict[str, Capabilities] | None = None
    # In milliseconds; what is not said here is as `[transport]` says.
    timeouts: OwnTimeouts | None = None
    # How many calls may be under way there, of each process; None: any number.
    concurrency: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
