"""How the libraries that train are called: without a network, without progress bars, and without what they say of each other.

Imported where they are about to be used; it changes nothing for longer than it is in force.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import huggingface_hub.constants as hub
import transformers

__all__ = ["offline"]

_OLD_NAMES = r"`(is_)?gradient_checkpointing"
"""peft asks transformers for what it is about to rename, and transformers warns whoever asks."""


@contextmanager
def offline() -> Iterator[None]:
    """Nothing is fetched, asked or reported over a network meanwhile, and nothing is drawn on the terminal."""
    said, known = os.environ.get("HF_HUB_OFFLINE"), hub.HF_HUB_OFFLINE
    level, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    os.environ["HF_HUB_OFFLINE"], hub.HF_HUB_OFFLINE = "1", True
    transformers.logging.set_verbosity(logging.ERROR)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _OLD_NAMES, FutureWarning)
            yield
    finally:
        logging.getLogger("bitsandbytes").setLevel(logging.NOTSET)
        transformers.logging.set_verbosity(level)
        if bars:
            transformers.logging.enable_progress_bar()  # type: ignore[no-untyped-call]
        hub.HF_HUB_OFFLINE = known
        if said is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = said
