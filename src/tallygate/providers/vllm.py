"""vLLM on this machine (docs.vllm.ai, "OpenAI-Compatible Server")."""

from tallygate.genai.catalog import Offer
from tallygate.providers.base import Engine, Provider, Seen, Sighting
from tallygate.providers.listing import read_listing


def recognise(seen: tuple[Seen, ...]) -> Sighting | None:
    """It is the owner of each of its models. Their `created` is the time of the question, so it is left out."""
    (models,) = seen
    listing = read_listing(models.body)
    if models.status != 200 or listing is None or listing.has_more is not None:
        return None
    if not listing.data or any(item.owned_by != "vllm" for item in listing.data):
        return None
    return Sighting(tuple(Offer("vllm", item.id, context_tokens=item.max_model_len) for item in listing.data))


ROW = Provider(
    name="vllm",
    title="vLLM",
    base_url="http://127.0.0.1:8000",
    speaks={"openai_chat": "/v1/chat/completions", "openai_embeddings": "/v1/embeddings"},
    auth="none",
    engine=Engine(port=8000, paths=("/v1/models",), recognise=recognise),
)
