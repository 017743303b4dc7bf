"""Requests and answers that OpenRouter's flavour can say exactly: those of `openai_chat`, which it carries. Its streams
always tell usage.
"""

from tests.laws import openai_chat_values
from tests.laws.unified_values import UnifiedChatValues

OPEN_MEMBERS = openai_chat_values.OPEN_MEMBERS
requests = UnifiedChatValues.requests
responses = openai_chat_values.responses
