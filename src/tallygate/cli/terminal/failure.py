"""How a verb ends when it cannot do what it was asked: with sentences and an exit code.

For what rooms raise there are the errors of the rooms.
"""


class Failure(Exception):
    """Ends the command. The text is ready to print and shows no secret."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(text)
