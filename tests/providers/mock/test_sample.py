"""Values made for a JSON schema fit it: pydantic writes the schemas and judges the values."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
from msgspec import json
from pydantic import BaseModel, Field

from tallygate.providers.mock.sample import sample


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Step(BaseModel):
    explanation: str
    output: Annotated[str, Field(min_length=4)]


class Tree(BaseModel):
    value: int
    left: Optional["Tree"]
    children: list["Tree"]


class Everything(BaseModel):
    steps: Annotated[list[Step], Field(min_length=2)]
    colour: Colour
    kind: Literal["only"]
    count: Annotated[int, Field(ge=3, lt=10)]
    negative: Annotated[int, Field(le=-5)]
    below: Annotated[float, Field(lt=0)]
    above: Annotated[float, Field(gt=0.5)]
    even: Annotated[int, Field(gt=3, multiple_of=2)]
    pair: tuple[int, str]
    table: dict[str, int]
    either: int | str
    maybe: bool | None
    day: date
    moment: datetime
    identity: UUID
    anything: Any
    tree: Tree
    optional: str = "left out"


@pytest.mark.parametrize("model", [Step, Tree, Everything])
def test_the_value_fits_the_schema(model: type[BaseModel]) -> None:
    value = sample(model.model_json_schema())
    model.model_validate(value)
    assert value == sample(model.model_json_schema())


def test_it_is_small() -> None:
    assert sample(Tree.model_json_schema()) == {"value": 0, "left": None, "children": []}
    assert "optional" not in sample(Everything.model_json_schema())


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, None),
        ({"type": "object"}, {}),
        ({"type": ["string", "null"]}, None),
        ({"type": ["string", "integer"]}, ""),
        ({"properties": {"a": {"const": 1}}, "required": ["a"]}, {"a": 1}),
        ({"items": {"type": "string"}, "minItems": 2}, ["", ""]),
        ({"enum": []}, None),
        ({"type": "string", "minLength": 10**9}, "x" * 1_000),
        ({"type": "object", "required": ["unknown"]}, {"unknown": None}),
        (
            {
                "$defs": {"A": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}},
                "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}],
            },
            {"a": 0, "b": False},
        ),
        ({"$defs": {"a/b": {"const": 2}}, "$ref": "#/$defs/a~1b"}, 2),
        ({"$ref": "#/nowhere/at/all"}, None),
        ({"type": "number", "maximum": -2.5}, -2.5),
        ({"type": "array", "items": {"type": "array", "minItems": 10**9}, "minItems": 1}, [[None] * 1_000]),
    ],
)
def test_small_schemas(schema: dict[str, Any], value: object) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
        {"anyOf": [{"$ref": "#"}]},
        {"allOf": [{"$ref": "#"}]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 10**6},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
    ],
)
def test_a_schema_without_a_finite_value_ends_all_the_same(schema: dict[str, Any]) -> None:
    assert len(json.encode(sample(schema))) < 20_000_000
