"""What a receipt commits to of embeddings: the 32-bit floats, whichever way they were spelt."""

import hashlib
import re
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.receipts.contents import open_content

DIALECT = OpenAIEmbeddings()
FIRST, SECOND = (hashlib.sha256(struct.pack("<2f", *numbers)).hexdigest() for numbers in ((0.1, -0.2), (1, 0)))
SAID = f'[{{"index":0,"vector":"{FIRST}"}},{{"index":1,"vector":"{SECOND}"}}]'.encode()


def say(body: bytes) -> bytes:
    content = open_content("embed")
    content.see_whole(DIALECT.read_response(body))
    content.hand_on()
    return content.write()


def test_it_is_the_digest_of_each_vector_by_its_index() -> None:
    assert say(b'{"data":[{"index":1,"embedding":[1,0]},{"index":0,"embedding":[0.1,-0.2]}]}') == SAID


def test_the_spelling_of_the_numbers_does_not_matter() -> None:
    assert say(b'{"data":[{"embedding":[0.10000000149011612,-2e-1]},{"embedding":"AACAPwAAAAA="}],"model":"m"}') == SAID


def test_an_answer_that_was_not_handed_on_says_nothing() -> None:
    content = open_content("embed")
    content.see_whole(DIALECT.read_response(b'{"data":[{"embedding":[1]}]}'))
    assert content.write() == b"[]"


def test_the_example_of_the_page_makes_the_same_bytes() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "receipts.md"
    _, example = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    told = [SimpleNamespace(index=1, embedding=[1.0, 0.0]), SimpleNamespace(index=0, embedding=[0.1, -0.2])]
    assert names["write_vectors"](SimpleNamespace(data=told)) == SAID
