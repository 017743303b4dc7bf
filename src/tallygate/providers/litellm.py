"""What stands before the slash in LiteLLM's names of models, and which provider that is here.

Base URLs and variables are those of the vendors' own pages, as of November 2026; each speaks OpenAI's language there.
Nothing is loaded or called; `config.litellm` reads this table.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Kind(Struct, frozen=True, kw_only=True):
    """One prefix. `row` names the provider that is known here, if any; `base_url` is where the others are, None if that
    must be said, and `key_env` the variable that LiteLLM takes the key from where nothing is said.

    `is_local`: an engine of one's own, which nobody bills. `suffix` is what an address still lacks. `refusal` says why
    its models cannot be called through this gateway.
    """

    row: str = ""
    name: str = ""
    base_url: str | None = None
    key_env: str = ""
    is_local: bool = False
    suffix: str = ""
    output_cap_key: str = ""
    refusal: str = ""


def _engine(row: str = "", name: str = "") -> Kind:
    return Kind(row=row, name=name, is_local=True)


def _away(base_url: str, key_env: str, name: str = "") -> Kind:
    return Kind(base_url=base_url, key_env=key_env, name=name)


_CLOUD: Final = Kind(
    refusal="its calls are signed with the cloud's own credentials, which this gateway does not do; put a server that "
    "speaks OpenAI's language in front of it, and name that with openai/ and api_base"
)
_OTHER: Final = Kind(refusal="it speaks a language of its own that this gateway does not know")

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "openai": Kind(row="openai", key_env="OPENAI_API_KEY"),
        "anthropic": Kind(row="anthropic", key_env="ANTHROPIC_API_KEY"),
        "gemini": Kind(row="gemini", key_env="GEMINI_API_KEY"),
        "openrouter": Kind(row="openrouter", key_env="OPENROUTER_API_KEY"),
        "ollama": _engine("ollama"),
        "ollama_chat": _engine("ollama"),
        "hosted_vllm": _engine("vllm"),
        "vllm": _engine("vllm"),
        "lm_studio": _engine("lmstudio"),
        "llamafile": _engine(name="llamafile"),
        "openai_like": Kind(name="openai-like"),
        "custom_openai": Kind(name="custom"),
        "litellm_proxy": Kind(name="litellm", key_env="LITELLM_PROXY_API_KEY"),
        # learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle: the v1 address takes the key as a bearer.
        "azure": Kind(
            name="azure", key_env="AZURE_API_KEY", suffix="/openai/v1", output_cap_key="max_completion_tokens"
        ),
        "groq": _away("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "mistral": _away("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        "deepseek": _away("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        "xai": _away("https://api.x.ai/v1", "XAI_API_KEY"),
        "together_ai": _away("https://api.together.xyz/v1", "TOGETHERAI_API_KEY", "together"),
        "fireworks_ai": _away("https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY", "fireworks"),
        "cerebras": _away("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        "sambanova": _away("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
        "nvidia_nim": _away("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY", "nvidia"),
        "deepinfra": _away("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        "perplexity": _away("https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
        "moonshot": _away("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        "dashscope": _away("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
        **dict.fromkeys(("bedrock", "bedrock_converse", "sagemaker", "sagemaker_chat", "vertex_ai"), _CLOUD),
        **dict.fromkeys(("vertex_ai_beta", "watsonx", "oci", "snowflake", "databricks"), _CLOUD),
        **dict.fromkeys(("azure_ai", "cohere", "cohere_chat", "huggingface", "replicate", "cloudflare"), _OTHER),
        **dict.fromkeys(("ai21", "nlp_cloud", "petals", "aleph_alpha", "predibase", "triton"), _OTHER),
    }
)
