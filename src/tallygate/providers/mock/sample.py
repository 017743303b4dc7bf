"""The smallest value that fits a JSON schema, for the test models (json-schema.org, draft 2020-12).

It knows what tools and structured output use. `pattern`, `not` and conditions are not understood, and where only an
endless value could fit a schema, null stands in the end.
"""

import math
from typing import Any, cast

DEPTH_MAX = 32
LENGTH_MAX = 1_000
VALUES_MAX = 10_000

_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "00:00:00Z",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

_Schema = dict[str, Any]


def sample(schema: _Schema) -> Any:
    """A small value that fits `schema`, always the same one."""
    return _Sampler(schema).value(schema, 0)


class _Sampler:
    """One value in the making. What refers to itself is followed to a depth and a size, and no further."""

    def __init__(self, root: _Schema) -> None:
        self._root = root
        self._left = VALUES_MAX

    def value(self, schema: object, depth: int) -> Any:
        self._left -= 1
        if not isinstance(schema, dict) or depth > DEPTH_MAX or self._left < 0:
            return None
        schema = cast(_Schema, schema)
        if isinstance(schema.get("$ref"), str):
            return self.value(_resolve(schema["$ref"], self._root), depth + 1)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                return self.value(_smallest(schema[key]), depth + 1)
        if isinstance(schema.get("allOf"), list):
            parts = [_follow(part, self._root) for part in schema["allOf"]]
            return self.value(_merge([schema, *parts]), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: _Schema, depth: int) -> Any:
        match _type_of(schema):
            case "object":
                properties = cast(_Schema, schema.get("properties") or {})
                required = cast(list[str], schema.get("required") or [])
                return {name: self.value(properties.get(name), depth + 1) for name in required}
            case "array":
                leading = cast(list[Any], schema.get("prefixItems") or [])
                count = max(min(_int(schema, "minItems"), LENGTH_MAX), len(leading))
                items = [*leading, *[schema.get("items")] * (count - len(leading))]
                return [self.value(item, depth + 1) for item in items]
            case "string":
                return _FORMATS.get(schema.get("format", ""), "x" * min(_int(schema, "minLength"), LENGTH_MAX))
            case "integer" | "number" as kind:
                return _sample_number(schema, whole=kind == "integer")
            case "boolean":
                return False
            case _:
                return None


def _type_of(schema: _Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = cast(list[str], kind)
        return "null" if "null" in kinds else kinds[0] if kinds else "null"
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "null"


def _smallest(branches: list[Any]) -> Any:
    """Null where it is allowed: it also ends schemas that refer to themselves."""
    return next((branch for branch in branches if branch == {"type": "null"}), branches[0])


def _sample_number(schema: _Schema, *, whole: bool) -> float:
    """Zero, or what is nearest to it."""
    step = _number(schema, "multipleOf") or (1 if whole else None)
    low, high = _number(schema, "minimum"), _number(schema, "maximum")
    above, below = _number(schema, "exclusiveMinimum"), _number(schema, "exclusiveMaximum")
    value: float = 0
    if low is not None and low > 0:
        value = low if step is None else math.ceil(low / step) * step
    if above is not None and above >= value:
        value = above + 1 if step is None else (math.floor(above / step) + 1) * step
    if high is not None and high < value:
        value = high if step is None else math.floor(high / step) * step
    if below is not None and below <= value:
        value = below - 1 if step is None else (math.ceil(below / step) - 1) * step
    return int(value) if whole else value


def _number(schema: _Schema, key: str) -> float | None:
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _int(schema: _Schema, key: str) -> int:
    return max(0, int(_number(schema, key) or 0))


def _resolve(reference: str, root: _Schema) -> Any:
    """The part of the schema that a reference such as ``#/$defs/Step`` points to."""
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = cast(_Schema, found).get(name) if isinstance(found, dict) else None
    return found


def _follow(schema: object, root: _Schema) -> Any:
    known = cast(_Schema, schema) if isinstance(schema, dict) else {}
    return _resolve(known["$ref"], root) if isinstance(known.get("$ref"), str) else known


def _merge(schemas: list[Any]) -> _Schema:
    """One schema that asks for what all of them ask for: members and required names are joined."""
    joined: _Schema = {}
    for schema in schemas:
        for key, value in cast(_Schema, schema if isinstance(schema, dict) else {}).items():
            if key == "properties":
                joined[key] = {**joined.get(key, {}), **value}
            elif key == "required":
                joined[key] = [*joined.get(key, []), *(name for name in value if name not in joined.get(key, []))]
            elif key != "allOf":
                joined[key] = value
    return joined
