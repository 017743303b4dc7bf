"""Marks on a prompt for its provider's cache: taken from what is beside a text, and handed to the last piece."""

from tallygate.genai.caching import MARK, mark_last, take_mark

LONG = {"type": "ephemeral", "ttl": "1h"}
SHORT = {"type": "ephemeral"}


def test_a_mark_is_taken_and_the_rest_stays() -> None:
    extra = {"a": 1, MARK: LONG}
    assert take_mark(extra) == (LONG, {"a": 1})
    assert extra == {"a": 1, MARK: LONG}
    assert take_mark({"a": 1}) == (None, {"a": 1})


def test_a_mark_of_a_whole_goes_to_its_last_piece() -> None:
    items: list[dict[str, object]] = [{"text": "a"}, {"text": "b"}]
    assert mark_last(items, LONG)
    assert items == [{"text": "a"}, {"text": "b", MARK: LONG}]


def test_a_piece_keeps_a_mark_of_its_own() -> None:
    items: list[dict[str, object]] = [{MARK: SHORT}]
    assert mark_last(items, LONG)
    assert items == [{MARK: SHORT}]


def test_no_mark_needs_no_piece_and_a_mark_does() -> None:
    assert mark_last([], None)
    assert not mark_last([], LONG)
