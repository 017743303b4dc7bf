"""Plays the scenarios by whichever major of the official Anthropic client the interpreter has; prints how they went.

python -m tests.contract.anthropic_play URL KEY SERVER [SCENARIO...]
"""

import anthropic

from tests.contract import anthropic_blocks, anthropic_scenarios, anthropic_trouble
from tests.contract.anthropic_stage import REPERTOIRE, Stage

PLAYED = (anthropic_blocks, anthropic_scenarios, anthropic_trouble)

if __name__ == "__main__":
    REPERTOIRE.play(anthropic.__version__, Stage)
