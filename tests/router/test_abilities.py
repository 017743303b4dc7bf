"""What is known of a target: the operator before the row, the row before the engine, the engine before the wire."""

from tallygate.genai.catalog import UNKNOWN, Capabilities, Offer
from tallygate.genai.plan import Plan, Target
from tallygate.providers.base import Provider
from tallygate.router.abilities import Abilities
from tallygate.router.settings import ModelSettings

CHAT = {"openai_chat": "/v1/chat/completions"}
MESSAGES = {"anthropic_messages": "/v1/messages"}
ROWS = {
    "lab": Provider(
        name="lab",
        title="Lab",
        base_url="http://lab",
        speaks=CHAT,
        capabilities={"*-vl": Capabilities(vision=True), "*": Capabilities(vision=False, audio=False)},
    ),
    "pen": Provider(name="pen", title="Pen", base_url="http://pen", speaks=MESSAGES),
    "both": Provider(name="both", title="Both", base_url="http://both", speaks={**CHAT, **MESSAGES}),
}
OFFERS = (
    Offer("lab", "seen", capabilities=Capabilities(vision=True, tools=False)),
    Offer("pen", "m", capabilities=Capabilities(audio=True)),
)
MODELS = {"ours": ModelSettings(aliases=("claude-ours",), capabilities=Capabilities(vision=True, pdf=False))}
KNOWN = Abilities(ROWS, OFFERS, MODELS)


def of(name: str, provider: str, model: str) -> Capabilities:
    return KNOWN.of(name, Target(provider, model))


def test_the_first_pattern_that_says_it_counts() -> None:
    assert of("x", "lab", "qwen-vl") == Capabilities(vision=True, audio=False)
    assert of("x", "lab", "qwen") == Capabilities(vision=False, audio=False)


def test_a_row_says_before_the_engine() -> None:
    assert of("x", "lab", "seen") == Capabilities(vision=False, audio=False, tools=False)


def test_the_operator_says_first_and_of_every_name_of_the_model() -> None:
    assert of("ours", "lab", "qwen") == Capabilities(vision=True, audio=False, pdf=False)
    assert of("claude-ours", "lab", "qwen") == of("ours", "lab", "qwen")


def test_a_wire_says_last_and_only_if_no_other_is_spoken() -> None:
    assert of("x", "pen", "n") == Capabilities(audio=False, json_mode=False)
    assert of("x", "pen", "m") == Capabilities(audio=True, json_mode=False)
    assert of("x", "both", "m") == UNKNOWN


def test_nothing_is_known_of_nobody() -> None:
    assert of("x", "gone", "m") == UNKNOWN


def test_a_name_can_do_what_one_target_can_and_lacks_what_one_lacks() -> None:
    targets = (Target("lab", "qwen"), Target("lab", "qwen-vl"))
    assert KNOWN.of_name("x", targets) == Capabilities(vision=True, audio=False)
    assert KNOWN.lacking(Plan("x", "chat", targets)) == {"vision", "audio"}
    assert KNOWN.lacking(Plan("ours", "chat", targets)) == {"audio", "pdf"}


def test_a_target_that_is_sold_under_a_name_of_its_own_is_known_by_it() -> None:
    target = Target("lab", "qwen", sold_as="ours")
    assert KNOWN.of_target(Plan("x", "chat", (target,)), target) == of("ours", "lab", "qwen")
