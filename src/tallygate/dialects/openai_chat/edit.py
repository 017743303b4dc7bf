"""Changes to a raw chat request in place: five named edits, and every other byte as the client sent it (docs/house.md).

Only bytes that `peek` has checked come here. Anything that needs the request understood as a whole is a translation and
is the work of this dialect's reader and writer.
"""

from collections.abc import Collection, Iterator
from itertools import pairwise

from tallygate.dialects.patches import Patch, apply, replace, replace_text
from tallygate.dialects.scan import list_members
from tallygate.genai.peek import Edits, Peek, Span

_CAP_NAMES = ("max_tokens", "max_completion_tokens")


def edit(body: bytes, peek: Peek, edits: Edits) -> bytes:
    """The body with the named changes; the very same object if nothing changes. `peek` must be of these bytes.

    A cap replaces the number wherever the client gave one, else it is a new member. Given a key for caps, the client's
    own cap is renamed to it, for a provider that would silently ignore the other spelling. The top-level `system`
    becomes the first message with its value byte for byte; if it is null it is only taken out. `model` and `messages`
    are never left out.
    """
    if edits.empty:
        return body
    spans = peek.spans
    patches: list[Patch] = []
    added = b""
    if edits.model is not None:
        patches.append(replace_text(spans["model"], edits.model))
    if edits.output_tokens_max is not None:
        capped, member = _set_cap(body, spans, edits.output_tokens_max, edits.output_cap_key or _CAP_NAMES[0])
        patches += capped
        added += member
    if edits.output_cap_key is not None:
        patches += _move_cap(body, spans, edits.output_cap_key, edits.output_tokens_max)
    if edits.include_usage:
        asked, member = _ask_usage(body, spans)
        patches += asked
        added += member
    gone = [name for name in edits.leave_out if name in spans]
    if edits.lift_system and "system" in spans:
        gone.append("system")
        patches += _lift_system(body, spans)
    if gone:
        patches += _take_out(spans, gone)
    if added:
        end = max(span.end for span in spans.values())
        patches.append((end, end, added))
    return apply(body, patches)


def _value(body: bytes, span: Span) -> bytes:
    return body[span.value_start : span.end]


def _set_cap(body: bytes, spans: dict[str, Span], tokens: int, cap_name: str) -> tuple[list[Patch], bytes]:
    """Patches for the caps that are there, or a new last member. A null cap counts as absent."""
    value = b"%d" % tokens
    given = [name for name in _CAP_NAMES if name in spans and _value(body, spans[name]) != b"null"]
    if not given and cap_name in spans:
        given = [cap_name]
    if given:
        return [replace(spans[name], value) for name in given], b""
    return [], b',"%b":%b' % (cap_name.encode(), value)


def _move_cap(body: bytes, spans: dict[str, Span], cap_name: str, tokens: int | None) -> list[Patch]:
    """Patches that put a cap given under the other name under this one, too if a null stands there already."""
    own = spans.get(cap_name)
    given = [spans[name] for name in _CAP_NAMES if name in spans and _value(body, spans[name]) != b"null"]
    if not given or own in given:
        return []
    if own is not None:
        return [replace(own, _value(body, given[0]) if tokens is None else b"%d" % tokens)]
    return [(given[0].start, given[0].value_start, b'"%b":' % cap_name.encode())]


def _ask_usage(body: bytes, spans: dict[str, Span]) -> tuple[list[Patch], bytes]:
    """Patches that set `stream_options.include_usage`, or a new last member. Its other keys keep their bytes."""
    options = spans.get("stream_options")
    if options is None:
        return [], b',"stream_options":{"include_usage":true}'
    value = _value(body, options)
    if value == b"null":
        return [replace(options, b'{"include_usage":true}')], b""
    members = list_members(value)
    for name, span in members:
        if name == "include_usage":
            start = options.value_start
            return [(start + span.value_start, start + span.end, b"true")], b""
    inside = options.value_start + 1
    return [(inside, inside, b'"include_usage":true' + (b"," if members else b""))], b""


def _lift_system(body: bytes, spans: dict[str, Span]) -> list[Patch]:
    """Put the member's value in front of the messages."""
    value = _value(body, spans["system"])
    if value == b"null":
        return []
    inside = spans["messages"].value_start + 1
    return [(inside, inside, b'{"role":"system","content":%b},' % value)]


def _take_out(spans: dict[str, Span], gone: Collection[str]) -> Iterator[Patch]:
    """Take members out, each with the comma before it; those at the very beginning with the comma after them."""
    order = list(spans)
    # Some stay, so there is always a first one of these.
    first = next(place for place, name in enumerate(order) if name not in gone)
    if first > 0:
        yield spans[order[0]].start, spans[order[first]].start, b""
    for before, name in pairwise(order[first:]):
        if name in gone:
            yield spans[before].end, spans[name].end, b""
