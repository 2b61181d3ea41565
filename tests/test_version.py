"""Records name the very code, not only the release."""

import re

from comity._version import __version__, code_version


def test_the_code_version_is_the_release_and_a_hash_of_the_sources() -> None:
    assert re.fullmatch(re.escape(__version__) + r"\+[0-9a-f]{8}", code_version())
    assert code_version() == code_version.__wrapped__()
