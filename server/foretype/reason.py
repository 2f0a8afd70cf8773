"""Why nothing is suggested, by name, and where nothing ever is."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from foretype import trim
from foretype.document import Snapshot
from foretype.errors import (
    BadAnswer,
    KeyRefused,
    LocalModelError,
    ModelError,
    ModelNotFound,
    NotSupported,
    RateLimited,
    Unreachable,
)
from foretype.templates import tells_suffix

_WORD_AT_END = re.compile(r"\w+$")


class Reason(enum.Enum):
    """Why there is nothing to show, and what to do for something.

    docs/troubleshooting.md has the same, which a test sees to.
    """

    DISABLED = (
        "completion.enabled is false",
        "Set completion.enabled to true.",
    )
    LANGUAGE_DISABLED = (
        "completion.disabled_languages has this language",
        "Take the language out of completion.disabled_languages.",
    )
    FILE_DISABLED = (
        "completion.disabled_files has a pattern for this file",
        "Take the pattern out of completion.disabled_files.",
    )
    WITHHELD = (
        "the file holds keys, or is listed in .foretypeignore",
        "Nothing of such a file is ever sent. Take it out of .foretypeignore, or give "
        "it another name if it holds none.",
    )
    TOO_LONG = (
        "the document is longer than completion.max_document_chars",
        "Set completion.max_document_chars to more.",
    )
    MIDDLE_OF_WORD = (
        "the cursor is inside a word",
        "Move to the end of the word, or ask by hand.",
    )
    MIDDLE_OF_LINE = (
        "this model cannot be told the text after the cursor",
        "Use a model that fills in the middle, say how it does by endpoint.template, "
        "or ask by hand.",
    )
    STATEMENT_ENDED = (
        "a statement was just accepted to its end",
        "Press the next key, such as Enter, or ask by hand.",
    )
    NOT_CONFIGURED = (
        "the endpoint is not set up",
        "Set what the message names, in config.toml or in the editor's settings.",
    )
    LOCAL_MODEL_FAILED = (
        "the built-in model does not run",
        "Do what the message says; the next request tries again after 20 s.",
    )
    UNREACHABLE = (
        "the endpoint cannot be reached, or takes too long",
        "Start it, or correct endpoint.base_url; the next key tries again.",
    )
    KEY_REFUSED = (
        "the endpoint refused the API key",
        "Put the right key into the variable that endpoint.api_key_env names, and "
        "restart the server.",
    )
    MODEL_NOT_FOUND = (
        "the endpoint has no such model or path",
        "Correct endpoint.model, endpoint.wire, or the /v1 of endpoint.base_url.",
    )
    NOT_SUPPORTED = (
        "the endpoint cannot do what the settings ask of it",
        "Set what the message names, or serve another model.",
    )
    RATE_LIMITED = (
        "the endpoint limits the rate of requests",
        "Wait, or set completion.debounce_ms so that it is asked less often.",
    )
    BAD_ANSWER = (
        "the endpoint's answer is not a completion",
        "Set endpoint.wire to what the endpoint speaks; the log file says more.",
    )
    JUST_DELETED = (
        "the model wrote what was just deleted here",
        "Type on, or ask by hand to have it again.",
    )
    WROTE_NOTHING = (
        "the model wrote nothing here",
        "Type on, or ask by hand for other ideas.",
    )
    WROTE_BLANKS = (
        "the model wrote only white space",
        "Type on, or ask by hand for other ideas.",
    )
    WROTE_NO_NEWS = (
        "the model wrote only what does not belong here or is there already",
        "Type on, or ask by hand for other ideas.",
    )

    def __init__(self, says: str, advice: str) -> None:
        self.says = says
        """The rest of a sentence that begins with: nothing is shown, because ..."""
        self.advice = advice
        """What to do for another outcome."""


OFF = (
    Reason.DISABLED,
    Reason.LANGUAGE_DISABLED,
    Reason.FILE_DISABLED,
    Reason.WITHHELD,
    Reason.TOO_LONG,
)
"""Those for which nothing is ever suggested in a document."""

# The first that an error is one of.
_OF_ERRORS: tuple[tuple[type[ModelError], Reason], ...] = (
    (LocalModelError, Reason.LOCAL_MODEL_FAILED),
    (Unreachable, Reason.UNREACHABLE),
    (KeyRefused, Reason.KEY_REFUSED),
    (ModelNotFound, Reason.MODEL_NOT_FOUND),
    (NotSupported, Reason.NOT_SUPPORTED),
    (RateLimited, Reason.RATE_LIMITED),
    (BadAnswer, Reason.BAD_ANSWER),
    (ModelError, Reason.NOT_CONFIGURED),
)


def fruitless(streamed: str, error: ModelError | None) -> Reason:
    """Why a stream that has ended brought nothing to show."""
    if error is not None:
        return next(r for kind, r in _OF_ERRORS if isinstance(error, kind))
    if not streamed:
        return Reason.WROTE_NOTHING
    return Reason.WROTE_NO_NEWS if streamed.strip() else Reason.WROTE_BLANKS


def declined(snapshot: Snapshot) -> Reason | None:
    """Why nothing is suggested in a document, whatever is known, if so."""
    completion = snapshot.settings.completion
    if not completion.enabled:
        return Reason.DISABLED
    if snapshot.language_id in completion.disabled_languages:
        return Reason.LANGUAGE_DISABLED
    if _matches(snapshot.uri, completion.disabled_files):
        return Reason.FILE_DISABLED
    if snapshot.withheld:
        return Reason.WITHHELD
    if snapshot.n_chars > completion.max_document_chars:
        return Reason.TOO_LONG
    return None


def hopeless(snapshot: Snapshot, *, is_invoked: bool) -> Reason | None:
    """Why a model is not asked at a place, if so; what is known is suggested there."""
    if is_invoked:
        # A person who asks by hand has seen where the cursor stands.
        return None
    anchor = snapshot.anchor
    after = anchor.line_suffix
    if not trim.is_closing_punctuation(after):
        if _is_word(after[:1]) and _n_word_chars(snapshot) > snapshot.n_typed_chars:
            # A new word that is typed right before another one is not inside that.
            return Reason.MIDDLE_OF_WORD
        if not tells_suffix(snapshot.settings):
            return Reason.MIDDLE_OF_LINE
    return None


def _matches(uri: str, patterns: Sequence[str]) -> bool:
    if not patterns:
        return False
    path = PurePosixPath(unquote(urlsplit(uri).path))
    return any(fnmatch(str(path), p) or fnmatch(path.name, p) for p in patterns)


def _n_word_chars(snapshot: Snapshot) -> int:
    """How much of a word stands before the cursor."""
    line_prefix = snapshot.anchor.line_prefix
    found = _WORD_AT_END.search(line_prefix)
    return len(found.group()) if found else 0


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
