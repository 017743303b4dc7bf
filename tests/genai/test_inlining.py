"""Media in the place of URLs."""

import base64

import pytest

from tallygate.errors import MediaUnavailable
from tallygate.genai.chat import ChatRequest
from tallygate.genai.inlining import inline_messages
from tallygate.genai.messages import Audio, Document, Image, Inline, Message, Part, Remote, Text, ToolResult
from tallygate.genai.operation import Aim

URL = "https://good.example/a"
PDF = ("application/pdf", b"%PDF-1.7")


def said(part: Part) -> tuple[Message, ...]:
    return (Message("user", (Text("read"), part)),)


def test_a_url_becomes_what_it_leads_to() -> None:
    (message,) = inline_messages(said(Document(Remote(URL), "a.pdf")), {URL: PDF})
    data = base64.b64encode(PDF[1]).decode()
    assert message.parts == (Text("read"), Document(Inline("application/pdf", data), "a.pdf"))


def test_also_in_the_result_of_a_tool() -> None:
    result = ToolResult("call_1", (Image(Remote(URL)),))
    (message,) = inline_messages(said(result), {URL: ("image/png", b"x")})
    assert message.parts[1] == ToolResult("call_1", (Image(Inline("image/png", "eA==")),))


def test_what_was_not_fetched_stays() -> None:
    messages = said(Image(Remote("https://other.example/")))
    assert inline_messages(messages, {URL: PDF}) == messages


@pytest.mark.parametrize(
    ("part", "media_type"),
    [
        (Document(Remote(URL)), "text/html"),
        (Document(Remote(URL)), "text/plain"),
        (Image(Remote(URL)), "image/svg+xml"),
        (Image(Remote(URL)), "application/pdf"),
        (Audio(Remote(URL)), "video/mp4"),
        (Audio(Remote(URL)), ""),
    ],
)
def test_what_is_not_what_the_part_says_is_refused(part: Part, media_type: str) -> None:
    with pytest.raises(MediaUnavailable) as refused:
        inline_messages(said(part), {URL: (media_type, b"x")})
    assert refused.value.param == "messages[0].content[1]"


def test_a_request_that_is_aimed_carries_them() -> None:
    request = ChatRequest("m", said(Document(Remote(URL))), system=(Text("brief"),))
    assert request.aimed(Aim("m")).messages == request.messages
    aimed = request.aimed(Aim("m", media={URL: PDF}))
    assert isinstance(aimed.messages[0].parts[1], Document)
    assert isinstance(aimed.messages[0].parts[1].source, Inline)
