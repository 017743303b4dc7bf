"""LM Studio on this machine (lmstudio.ai/docs/developer/openai-compat, lmstudio.ai/docs/developer/rest/endpoints).

It answers by a JSON schema whatever the model, and refuses JSON without one
(github.com/lmstudio-ai/lmstudio-bug-tracker/issues/189).
"""

from typing import Final

from tallygate.genai.catalog import UNKNOWN, Capabilities, Offer
from tallygate.providers.base import CHATS, EMBEDS, Engine, Provider, Seen, Sighting
from tallygate.providers.listing import Item, Listing, read_listing

_SEEING: Final = {"llm": False, "vlm": True}


def recognise(seen: tuple[Seen, ...]) -> Sighting | None:
    """Its own list says what each model's files are; releases before 0.3.6 only have OpenAI's, with a telling owner."""
    own, common = (_read(answer) for answer in seen)
    if own is not None and own.data and all(item.compatibility_type for item in own.data):
        listing = own
    elif common is not None and common.data and all(item.owned_by == "organization_owner" for item in common.data):
        listing = common
    else:
        return None
    return Sighting(tuple(_offer(item) for item in listing.data))


def _offer(item: Item) -> Offer:
    """One model. That it was not trained for tools says little: the engine then asks for them in words of its own."""
    embeds = item.type == "embeddings"
    trained = "tool_use" in (item.capabilities or ())
    able = Capabilities(vision=_SEEING.get(item.type), tools=trained or None)
    return Offer(
        "lmstudio",
        item.id,
        context_tokens=item.max_context_length,
        capabilities=UNKNOWN if embeds else able,
        operations=EMBEDS if embeds else CHATS if item.type in _SEEING else frozenset(),
    )


def _read(answer: Seen) -> Listing | None:
    listing = read_listing(answer.body) if answer.status == 200 else None
    return listing if listing is not None and listing.has_more is None else None


ROW = Provider(
    name="lmstudio",
    title="LM Studio",
    base_url="http://127.0.0.1:1234",
    speaks={"openai_chat": "/v1/chat/completions", "openai_embeddings": "/v1/embeddings"},
    auth="none",
    capabilities={"*": Capabilities(json_mode=False, json_schema=True)},
    engine=Engine(port=1234, paths=("/api/v0/models", "/v1/models"), recognise=recognise),
)
