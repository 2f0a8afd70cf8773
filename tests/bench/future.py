"""A model that knows what will be typed, and errs at places that chance has chosen.

What it answers at a place depends on the text there alone, so that whatever policy
asks, and whenever, it meets the same model.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from traces import Segment, future, states

# How GPT-2 cuts text before it looks for tokens; about four characters of code each.
TOKEN = re.compile(r" ?\w+| ?[^\w\s]+|\s+")
# So much of a prompt's end tells its place.
N_TOLD_CHARS = 160
# As many events back and ahead a prompt may be from.
N_EVENTS_BACK = 80
N_EVENTS_AHEAD = 200
# One of so many tokens is wrong.
N_TOKENS_PER_ERROR = 20
# Prompts may leave out the blanks that a line ends with.
MAX_BLANKS = 80


@dataclass(frozen=True)
class Place:
    """What a document says around the cursor, and what will stand there."""

    before: str
    """The end of the text before the cursor."""
    after: str
    """The beginning of the text behind it."""
    future: str


def places(segment: Segment) -> list[Place]:
    """The places where a cursor stands in a segment, one behind each event."""
    all_states = states(segment)
    return [
        Place(
            state.before[-4 * N_TOLD_CHARS :],
            state.after[:N_TOLD_CHARS],
            future(segment, all_states, state_idx),
        )
        for state_idx, state in enumerate(all_states)
    ]


def find(
    all_places: Sequence[Place], prompt: str, suffix: str | None, now: int
) -> tuple[int, str] | None:
    """Which place a prompt is from, and the text before its end; None where from none.

    A prompt may go beyond a place, as one does that takes a suggestion to be accepted:
    it is from there as long as what it adds is true. `now` is where the person is; of
    several places it is the nearest, preferably one that has been.
    """
    told = prompt[-N_TOLD_CHARS:]
    if not told.strip():
        told = prompt
    first = max(now - N_EVENTS_BACK, 0)
    for idx in [*range(now, first - 1, -1), *range(now + 1, len(all_places))]:
        if idx > now + N_EVENTS_AHEAD:
            return None
        place = all_places[idx]
        if suffix is not None and not _follows(suffix, place.after):
            continue
        whole = place.before + place.future
        earliest = max(len(place.before) - len(told) - MAX_BLANKS, 0)
        at = whole.find(told, earliest)
        if at < 0:
            continue
        end = at + len(told)
        if whole[end : len(place.before)].strip():
            continue
        return idx, whole[:end]
    return None


def tokens(place: Place, before: str) -> Iterator[str]:
    """What the model writes at a place behind `before`, up to the end of the future."""
    whole = place.before + place.future
    line_start = before.rfind("\n") + 1
    # The whole line is cut into tokens, so that these are the same for every start.
    for token in TOKEN.finditer(whole, line_start):
        if token.end() <= len(before):
            continue
        rest = token.group()[max(len(before) - token.start(), 0) :]
        errs = is_error(whole[max(token.start() - 40, 0) : token.end()])
        yield wrong(rest, whole) if errs else rest


def is_error(before_and_token: str) -> bool:
    """Whether the model errs at a place, the same each time."""
    return chance(before_and_token) * N_TOKENS_PER_ERROR < 1


def wrong(token: str, text: str) -> str:
    """Another token of the same kind, from a text."""
    word = token.removeprefix(" ")
    if not re.fullmatch(r"\w+", word):
        return "." if token == "," else ","
    words: list[str] = sorted({*re.findall(r"[a-z]+", text)} - {word}) or ["other"]
    blank = token[: len(token) - len(word)]
    return blank + words[int(chance(word) * len(words))]


def chance(what: str) -> float:
    """A number from 0 to 1 that is always the same for the same thing."""
    return zlib.crc32(what.encode()) / 2**32


def limited(
    all_tokens: Iterator[str], max_tokens: int, stop: Sequence[str]
) -> tuple[list[str], str]:
    """The tokens up to a limit or a stop string, and the reason for their end."""
    kept: list[str] = []
    text = ""
    for token in all_tokens:
        if len(kept) == max_tokens:
            return kept, "length"
        ends = [at for at in map((text + token).find, stop) if at >= 0]
        if ends:
            rest = (text + token)[len(text) : min(ends)]
            return [*kept, rest] if rest else kept, "stop"
        kept.append(token)
        text += token
    return kept, "stop"


def _follows(suffix: str, after: str) -> bool:
    """Whether a suffix may be that of a place; it may begin with a later line."""
    if not suffix.strip():
        return True
    told = suffix.strip()[: N_TOLD_CHARS // 2]
    return told in after or after.strip().startswith(told[: len(after.strip())])
