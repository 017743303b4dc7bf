"""Plays the scenarios by whichever major of the official OpenAI client the interpreter has, and prints how they went.

python -m tests.contract.openai_play URL KEY SERVER [SCENARIO...]
"""

import openai

from tests.contract import (
    openai_completions_scenarios,
    openai_crossing,
    openai_embeddings_scenarios,
    openai_responses_scenarios,
    openai_scenarios,
    openai_trouble,
)
from tests.contract.openai_stage import REPERTOIRE, Stage

PLAYED = (
    openai_completions_scenarios,
    openai_crossing,
    openai_embeddings_scenarios,
    openai_responses_scenarios,
    openai_scenarios,
    openai_trouble,
)

if __name__ == "__main__":
    REPERTOIRE.play(openai.__version__, Stage)
