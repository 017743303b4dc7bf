"""Changes to a raw request in place: the model and the output cap, and every other byte as the client sent it.

Only bytes that `peek` has checked come here. Usage need not be asked for on this wire, a cap has one name only, and
instructions are where they belong, so the other edits change nothing. Whether the provider keeps the answer (`store`)
stays the caller's wish.
"""

from typing import Final

from tallygate.dialects.patches import Patch, apply, replace, replace_text
from tallygate.genai.peek import Edits, Peek

OUTPUT_CAP_KEY: Final = "max_output_tokens"


def edit(body: bytes, peek: Peek, edits: Edits) -> bytes:
    """The body with the named changes; the very same object if nothing changes. `peek` must be of these bytes."""
    patches: list[Patch] = []
    if edits.model is not None:
        patches.append(replace_text(peek.spans["model"], edits.model))
    if edits.output_tokens_max is not None:
        value = b"%d" % edits.output_tokens_max
        cap = peek.spans.get(OUTPUT_CAP_KEY)
        if cap is not None:
            patches.append(replace(cap, value))
        else:
            end = max(span.end for span in peek.spans.values())
            patches.append((end, end, b',"max_output_tokens":' + value))
    return apply(body, patches)
