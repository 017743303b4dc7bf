"""What several say of one model, and what one name can do that several targets serve."""

from tallygate.genai.catalog import CAPABILITIES, UNKNOWN, Capabilities, join, overlay


def test_the_vocabulary_is_the_struct() -> None:
    assert Capabilities.__struct_fields__ == CAPABILITIES


def test_the_first_who_says_it_counts() -> None:
    said = overlay(Capabilities(vision=False), Capabilities(vision=True, tools=True), Capabilities(tools=False))
    assert said == Capabilities(vision=False, tools=True)
    assert overlay() == UNKNOWN


def test_a_name_can_do_what_one_of_its_targets_can() -> None:
    able, unable = Capabilities(vision=True, tools=False), Capabilities(vision=False, tools=False)
    assert join((able, unable)) == able
    assert join((unable, UNKNOWN)) == UNKNOWN
    assert join(()) == UNKNOWN


def test_what_is_lacking_is_what_is_known_to_be_missing() -> None:
    assert Capabilities(vision=False, tools=True, pdf=False).lacking == {"vision", "pdf"}
    assert UNKNOWN.lacking == frozenset()
