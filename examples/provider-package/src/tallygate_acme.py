"""Acme, a provider that exists in examples only (docs.acme.example/api/chat)."""

from tallygate.providers.base import Provider

ROW = Provider(
    name="acme",
    title="Acme",
    base_url="https://api.acme.example",
    speaks={"openai_chat": "/v1/chat/completions"},
    key_env=("ACME_API_KEY",),
    models=("acme-large", "acme-small"),
    claims=("acme-*",),
)
