"""Every text in a request is found, wherever it stands."""

from tallygate.access.guardrails.texts import edit_chat
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Message


def test_names_of_participants_and_what_ends_an_answer_are_texts_too() -> None:
    request = ChatRequest("m", (Message("user", name="bob@example.com"),), stop=("bob@example.com", "END"))

    def hide(text: str, *, quoted: bool = False) -> str:
        return "[gone]" if "@" in text else text

    edited = edit_chat(request, hide)
    assert (edited.messages[0].name, edited.stop) == ("[gone]", ("[gone]", "END"))
