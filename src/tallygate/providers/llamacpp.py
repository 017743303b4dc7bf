"""llama.cpp's server on this machine (github.com/ggml-org/llama.cpp, tools/server/README.md).

While it loads its model it answers 503, which is no reason to forget it. Releases before February 2026 ignore
`max_completion_tokens`.
"""

from msgspec import DecodeError, Struct, json

from tallygate.genai.catalog import UNKNOWN, Capabilities, Offer
from tallygate.providers.base import Engine, Provider, Seen, Sighting
from tallygate.providers.listing import Item, read_listing


class _Props(Struct, frozen=True):
    modalities: dict[str, bool] = {}


def recognise(seen: tuple[Seen, ...]) -> Sighting | None:
    """It names itself in the `server` header, and as the owner of each of its models."""
    models, props = seen
    named = models.headers.get("server", "") == "llama.cpp"
    if named and models.status == 503:
        return Sighting(note="is still loading its model")
    listing = read_listing(models.body)
    if models.status != 200 or listing is None or listing.has_more is not None:
        return None
    if not named and not (listing.data and all(item.owned_by == "llamacpp" for item in listing.data)):
        return None
    # What it says of itself is of the one model it holds.
    able = _read_props(props) if len(listing.data) == 1 else UNKNOWN
    return Sighting(
        tuple(
            Offer("llamacpp", item.id, context_tokens=_context_tokens(item), capabilities=able) for item in listing.data
        )
    )


def _context_tokens(item: Item) -> int | None:
    """The window the server was started with; older releases only tell the one the model was trained with."""
    meta = item.meta or {}
    tokens = meta.get("n_ctx", meta.get("n_ctx_train"))
    return tokens if isinstance(tokens, int) else None


def _read_props(props: Seen) -> Capabilities:
    """Whether the model was loaded with its eyes and ears."""
    try:
        modalities = json.decode(props.body, type=_Props).modalities
    except (DecodeError, RecursionError):
        return UNKNOWN
    return Capabilities(vision=modalities.get("vision"), audio=modalities.get("audio"))


ROW = Provider(
    name="llamacpp",
    title="llama.cpp",
    base_url="http://127.0.0.1:8080",
    speaks={"openai_chat": "/v1/chat/completions", "openai_embeddings": "/v1/embeddings"},
    auth="none",
    # Any model answers by a grammar.
    capabilities={"*": Capabilities(json_mode=True, json_schema=True)},
    engine=Engine(port=8080, paths=("/v1/models", "/props"), recognise=recognise),
)
