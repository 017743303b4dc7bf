"""Every dialect there is, by name. Nothing else lists them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.dialects.base import Dialect
from tallygate.dialects.openai_chat import OpenAIChat

_ALL: Final[tuple[Dialect, ...]] = (OpenAIChat(),)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({dialect.name: dialect for dialect in _ALL})
