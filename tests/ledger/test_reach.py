"""How far targets go: the vendor's figures, then what an engine said, then the list with room for its rounding."""

import msgspec
import pytest

from tallygate.genai.catalog import Offer
from tallygate.genai.ceilings import Ceilings, Reach
from tallygate.genai.plan import Target
from tallygate.ledger.catalogue import Listing, load_catalogue, read_catalogue
from tallygate.ledger.reach import Reaches, find_reach, widen
from tallygate.providers.base import Provider
from tallygate.providers.registry import load_rows

STATED = Reach(context_tokens=1_048_576, output_tokens_max=65_536)
ROW = Provider(
    name="lab",
    title="Lab",
    base_url="http://lab:8000",
    speaks={},
    reaches={"m-1*": STATED, "m-*": Reach(ceilings=Ceilings(image_tokens=9))},
)
LIST = read_catalogue(
    msgspec.json.encode(
        {"prices": [Listing(f"lab/{name}", {"input": "1"}, context_tokens=1_000) for name in ("m-1", "m-2", "m-3")]}
    )
)
REACHES = Reaches({"lab": ROW}, [Offer("lab", "m-2", context_tokens=77), Offer("den", "n", context_tokens=5)], LIST)


@pytest.mark.parametrize(
    ("target", "reach"),
    [
        (Target("lab", "m-1"), STATED),
        (Target("lab", "m-10"), STATED),
        (Target("lab", "m-2"), Reach(context_tokens=77, ceilings=Ceilings(image_tokens=9))),
        (Target("lab", "m-3"), Reach(context_tokens=1_050, ceilings=Ceilings(image_tokens=9))),
        (Target("lab", "other"), Reach()),
        (Target("den", "n"), Reach(context_tokens=5)),
        (Target("nowhere", "n"), Reach()),
    ],
)
def test_who_knows_best_is_believed(target: Target, reach: Reach) -> None:
    assert REACHES(target) == REACHES(target) == reach


def test_the_list_may_have_rounded_a_window() -> None:
    assert [widen(window) for window in (1_000_000, 128_000, None)] == [1_050_000, 134_400, None]


def test_every_model_our_own_providers_state_something_of_goes_as_far_as_the_list_says() -> None:
    """A window below the list's is a slip of ours, or of the list's: somebody has to look."""
    catalogue = load_catalogue()
    for row in load_rows().values():
        for model in row.models:
            stated, listed = find_reach(row, model).context_tokens, catalogue.find_context(f"{row.name}/{model}")
            assert stated is None or listed is None or stated >= listed, model


@pytest.mark.parametrize(
    ("name", "output_tokens_max"),
    [
        ("anthropic/claude-haiku-4-5-20251001", 64_000),
        ("anthropic/claude-sonnet-4-6", 128_000),
        ("anthropic/claude-opus-4-7", 128_000),
        ("anthropic/claude-opus-5-5", 128_000),
        ("anthropic/claude-3-haiku-20240307", None),
        ("openai/gpt-4o", 16_384),
        ("openai/gpt-4o-2024-05-13", None),
        ("openai/gpt-5-chat-latest", 16_384),
        ("openai/gpt-5.5", 128_000),
        ("openai/gpt-5.5-pro", None),
        ("openai/gpt-4.1-mini", 32_768),
        ("gemini/gemini-3.6-flash", 65_536),
    ],
)
def test_the_vendors_figures_fit_the_names_they_are_for(name: str, output_tokens_max: int | None) -> None:
    provider, _, model = name.partition("/")
    assert find_reach(load_rows()[provider], model).output_tokens_max == output_tokens_max


def test_callers_cannot_make_it_remember_without_end() -> None:
    reaches = Reaches({}, [], LIST)
    for number in range(5_000):
        reaches(Target("lab", f"x{number}"))
    assert len(reaches._memo) <= 4_096
