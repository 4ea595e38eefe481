"""Characters that no text has: controls, half surrogates, and what is given to no character."""

import re

__all__ = ["CONTROLS"]

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
