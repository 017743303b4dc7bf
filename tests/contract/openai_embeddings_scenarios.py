"""What people do with the official OpenAI client to have texts embedded. It asks for base64 unless told otherwise.

Scenarios for `openai_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import asyncio
import base64
import math
import struct
from typing import Any

import openai

from tests.contract.openai_stage import Stage, scenario
from tests.contract.repertoire import failure_of

MODEL = "mock/embed"


def asked(stage: Stage, **members: Any) -> dict[str, Any]:
    """The members of a request."""
    return {"model": MODEL, "input": f"{stage.opening}: hi", "dimensions": 32, **members}


@scenario("mock")
def embeddings_are_numbers_whichever_way_they_come(stage: Stage) -> None:
    unasked = stage.client.embeddings.create(**asked(stage))
    letters = stage.client.embeddings.create(**asked(stage, encoding_format="base64"))
    numbers = stage.client.embeddings.create(**asked(stage, encoding_format="float"))
    assert isinstance(letters.data[0].embedding, str)
    told = list(struct.unpack("<32f", base64.b64decode(letters.data[0].embedding)))
    assert unasked.data[0].embedding == told == numbers.data[0].embedding
    assert math.isclose(math.hypot(*told), 1, rel_tol=1e-5)
    assert unasked.object == "list"
    assert unasked._request_id


@scenario("mock")
def embeddings_of_every_kind_of_input(stage: Stage) -> None:
    texts = stage.client.embeddings.create(**asked(stage, input=["one", "two", "one"]))
    assert [item.index for item in texts.data] == [0, 1, 2]
    assert texts.data[0].embedding == texts.data[2].embedding != texts.data[1].embedding
    assert texts.usage.prompt_tokens == texts.usage.total_tokens > 0
    assert len(stage.client.embeddings.create(**asked(stage, input=[1, 2, 3])).data) == 1
    assert len(stage.client.embeddings.create(**asked(stage, input=[[1, 2], [3]])).data) == 2


@scenario("mock")
def embeddings_asked_for_side_by_side(stage: Stage) -> None:
    async def ask() -> list[Any]:
        wanted = [stage.async_client.embeddings.create(**asked(stage, input=f"text {index}")) for index in range(4)]
        return await asyncio.gather(*wanted)

    vectors = [tuple(answer.data[0].embedding) for answer in asyncio.run(ask())]
    assert len(set(vectors)) == 4


@scenario("mock")
def embeddings_that_cannot_be_are_refused_by_name(stage: Stage) -> None:
    for member, value in (("input", []), ("input", ""), ("dimensions", 0), ("input", ["a", 1])):
        error = failure_of(
            openai.BadRequestError,
            lambda member=member, value=value: stage.client.embeddings.create(**asked(stage, **{member: value})),
        )
        assert (error.param or "").startswith(member), error.param
    other = failure_of(
        openai.NotFoundError, lambda: stage.client.embeddings.create(**asked(stage, model=stage.models["chat"]))
    )
    assert (other.param, other.code) == ("model", "model_not_found")
    chat = failure_of(
        openai.NotFoundError, lambda: stage.client.chat.completions.create(model=MODEL, messages=stage.says())
    )
    assert (chat.param, chat.code) == ("model", "model_not_found")
