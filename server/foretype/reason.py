"""Why nothing is suggested, by name, and where nothing ever is."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from foretype import prompt, trim
from foretype.document import Snapshot


class Reason(enum.Enum):
    """Why there is nothing to show."""

    DISABLED = "completion.enabled is false"
    LANGUAGE_DISABLED = "completion.disabled_languages has this language"
    FILE_DISABLED = "completion.disabled_files has a pattern for this file"
    TOO_LONG = "the document is longer than completion.max_document_chars"
    MIDDLE_OF_WORD = "the cursor is inside a word"
    MIDDLE_OF_LINE = "this model cannot be told the text after the cursor"
    STATEMENT_ENDED = "a statement was just accepted to its end"
    MODEL_FAILED = "the model could not be asked"
    NOTHING_GENERATED = "the model wrote nothing that belongs here"


def declined(snapshot: Snapshot, *, is_invoked: bool) -> Reason | None:
    """Why nothing is suggested at a place, whatever is known, if so."""
    completion = snapshot.settings.completion
    if not completion.enabled:
        return Reason.DISABLED
    if snapshot.language_id in completion.disabled_languages:
        return Reason.LANGUAGE_DISABLED
    if _matches(snapshot.uri, completion.disabled_files):
        return Reason.FILE_DISABLED
    if snapshot.n_chars > completion.max_document_chars:
        return Reason.TOO_LONG
    if is_invoked:
        # A person who asks by hand has seen where the cursor stands.
        return None
    anchor = snapshot.anchor
    after = anchor.line_suffix
    if not trim.is_closing_punctuation(after):
        if _is_word(after[:1]) and _is_word(anchor.line_prefix[-1:]):
            return Reason.MIDDLE_OF_WORD
        if not prompt.tells_suffix(snapshot.settings):
            return Reason.MIDDLE_OF_LINE
    return None


def _matches(uri: str, patterns: Sequence[str]) -> bool:
    if not patterns:
        return False
    path = PurePosixPath(unquote(urlsplit(uri).path))
    return any(fnmatch(str(path), p) or fnmatch(path.name, p) for p in patterns)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
