"""How a sentence-transformers model of any kind is loaded: from this machine, else the hub; quietly, its errors few."""

import logging
import os
import socket
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

__all__ = ["LOADING", "load", "reason_of"]

HUB_SECONDS = 5
LOADING = (OSError, ValueError, KeyError, RuntimeError, ImportError)  # what loading a model fails with

Model = TypeVar("Model")


def load(open_model: Callable[[bool], Model], local: bool) -> Model:
    """What `open_model` gives, asked to look on this machine alone, then, unless the model is `local`, in the hub.

    Fails with one of `LOADING`. The errors of safetensors, tokenizers and huggingface_hub have no base but Exception.
    """
    if local:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for library in ("huggingface_hub", "sentence_transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
    try:
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return open_model(True)
        except LOADING:
            if local or not hub_answers():
                raise
            return open_model(False)
    except LOADING:
        raise
    except Exception as error:
        raise ValueError(str(error)) from error


def reason_of(error: BaseException) -> str:
    """The first line of an error's message, for a sentence."""
    return str(error).strip().split("\n")[0][:200].rstrip(". ")


def hub_answers() -> bool:
    """Whether the model hub can be reached; its own client asks again and again for over a minute."""
    from urllib.request import getproxies

    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    if getproxies():
        return True
    hub = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        with socket.create_connection((hub.hostname or "", hub.port or 443), timeout=HUB_SECONDS):
            return True
    except OSError:
        return False
