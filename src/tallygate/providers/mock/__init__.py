"""Built-in models for trying the plumbing: ``mock/*``. The same request always gets the same answer.

They are served inside the process but take the way of every provider, through the relay. They never stand under a real
model's name. What each of them does is written down in docs/reference/providers.md.
"""

from tallygate.providers.base import CHATS, EMBEDS, Provider
from tallygate.providers.mock.serve import serve

ROW = Provider(
    name="mock",
    title="built-in test models",
    base_url="mock:",
    speaks={"openai_chat": "/v1/chat/completions", "openai_embeddings": "/v1/embeddings"},
    auth="none",
    models=("echo", "tools", "thinking", "slow", "fail-429", "fail-500", "fail-midstream", "embed"),
    serves={"embed": EMBEDS, "fail-[45]*": CHATS | EMBEDS, "*": CHATS},
    quality="test",
    keeps_inputs=False,
    serve=serve,
)
