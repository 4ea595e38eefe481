"""The pace of an answer: words by the dozen, so that a reader sees it grow and a browser is not overrun."""

import time
from collections.abc import Callable, Iterator

from assistant.types import Answer

__all__ = ["paced"]

WORDS = 12  # a frame; an answer of 120 words takes ten
# Fifteen frames a second: each makes the browser render the whole message anew, 7 to 20 ms in Gradio 6.31.
PAUSE = 1 / 15  # seconds


def paced(
    answers: Iterator[Answer], pause: Callable[[float], None] = time.sleep
) -> Iterator[tuple[Answer, int | None]]:
    """Growing answers with the number of words to show of each; the last one whole (None).

    An answer that has not grown comes with the same number again.
    """
    shown = 0
    before: Answer | None = None
    answer: Answer | None = None
    for answer in answers:
        total = sum(len(sentence.text.split()) for sentence in answer.sentences)
        shown = min(shown, total)  # a writer may take a sentence back
        if before is not None and answer.sentences is before.sentences:
            yield answer, shown
        before = answer
        while total - shown >= WORDS:
            shown += WORDS
            yield answer, shown
            pause(PAUSE)
    if answer is not None:
        yield answer, None
