"""What was done for the last requests, kept for a while, and said in words.

Numbers and names only: neither text of a document nor a key is in it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from foretype.answer import Answer, Source
from foretype.document import Snapshot
from foretype.reason import Reason
from foretype.timeline import Stage, Timeline

# Some minutes of typing; each takes less than a kilobyte.
MAX_RECORDS = 512


@dataclass(frozen=True, slots=True)
class Record:
    """One request, and what came of it."""

    uri: str
    is_invoked: bool
    timeline: Timeline
    """From `received` to `answered`, or to `superseded`."""
    model_name: str
    source: Source | None = None
    n_items: int = 0
    n_chars: int = 0
    """The length of the first item."""
    reason: Reason | None = None
    problem: str = ""
    """What the model's error said."""
    stream: Timeline | None = None
    """That of the stream that the first item is from."""


class Records:
    """The last requests, and how long those took that showed something."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=MAX_RECORDS)

    def add(
        self,
        snapshot: Snapshot,
        timeline: Timeline,
        answer: Answer | None,
        *,
        is_invoked: bool,
    ) -> None:
        """Notes a request that was answered, or superseded where there is no answer."""
        first = answer.completion if answer else None
        generation = answer.generation if answer else None
        self._records.append(
            Record(
                uri=snapshot.uri,
                is_invoked=is_invoked,
                timeline=timeline,
                model_name=snapshot.settings.model_name,
                source=first.source if first else None,
                n_items=len(answer.completions) if answer else 0,
                n_chars=len(first.insert_text) if first else 0,
                reason=answer.reason if answer else None,
                problem=str(answer.error or "") if answer else "",
                stream=generation.timeline if generation else None,
            )
        )

    def last(self, uri: str) -> Record | None:
        """The last request for a document, if it is kept still."""
        return next((r for r in reversed(self._records) if r.uri == uri), None)

    def ms_by_source(self) -> Mapping[Source, list[float]]:
        """How long each answer that showed something took, sorted, by its source."""
        found: dict[Source, list[float]] = defaultdict(list)
        for record in self._records:
            ms = record.timeline.ms_between(Stage.RECEIVED, Stage.ANSWERED)
            if record.source is not None and ms is not None:
                found[record.source].append(ms)
        return {source: sorted(times) for source, times in found.items()}


def explain(records: Records, uri: str, *, is_open: bool, is_waiting: bool) -> str:
    """Why there is nothing at the cursor, or where what is there came from.

    `is_open` says that the editor has opened the document here, `is_waiting` that a
    request for it is not answered yet.
    """
    name = PurePosixPath(unquote(urlsplit(uri).path)).name
    if not is_open:
        return (
            f"{name}: nothing is suggested, because the editor has not opened this "
            "document with Foretype. Is its language among those that Foretype is "
            "started for?"
        )
    record = records.last(uri)
    if is_waiting:
        return f"{name}: the model was asked, and has not written enough yet."
    if record is None:
        return (
            f"{name}: the editor has not asked for anything here yet. Are inline "
            "suggestions switched on in the editor?"
        )
    lines = [f"{name}: {_outcome(record)}", *_stages(record), *_times(records)]
    return "\n".join(lines)


def _outcome(record: Record) -> str:
    asked = "asked by hand" if record.is_invoked else "asked by the editor"
    if record.reason is not None:
        problem = f" ({record.problem})" if record.problem else ""
        return (
            f"nothing is shown, because {record.reason.says}{problem}. "
            f"{record.reason.advice}"
        )
    if record.source is None:
        return (
            "the last request was overtaken by the next key or by the editor, which "
            "has not asked again since."
        )
    more = f", the first of {record.n_items}" if record.n_items > 1 else ""
    return (
        f"a suggestion of {record.n_chars} characters was given ({asked}{more}). If "
        "it is not on the screen, the editor hides it: a menu may be open, or its own "
        "inline suggestions may be off."
    )


_SOURCES = {
    Source.SHOWN: "it is the rest of what was on the screen already",
    Source.CACHE: "it was remembered from an earlier request",
    Source.IN_FLIGHT: "it came from a stream that an earlier request had begun",
    Source.MODEL: "nothing that was known fitted, so the model was asked",
    Source.AHEAD: "it was asked for while the suggestion before it was on the screen",
}


def _stages(record: Record) -> list[str]:
    """What was decided at each stage, in the order in which it was."""
    timeline, stream = record.timeline, record.stream
    said = []
    if record.source is not None:
        said.append(f"- From: {_SOURCES[record.source]}.")
    elif stream is not None:
        said.append("- From: the model was asked, now or by an earlier request.")
    elif Stage.LOOKED_UP in timeline.stages:
        said.append("- From: nothing that was known fitted, and nobody was asked.")
    if stream is not None:
        said += _stream(record, stream)
    end = Stage.SUPERSEDED if Stage.SUPERSEDED in timeline.stages else Stage.ANSWERED
    steps = [
        ("looked up", Stage.LOOKED_UP),
        ("waited for a stream", Stage.JOINED),
        ("had enough", Stage.ENOUGH),
        (end.value, end),
    ]
    said.append(f"- Request: {_after(timeline, Stage.RECEIVED, steps, n_decimals=1)}.")
    return said


def _stream(record: Record, stream: Timeline) -> list[str]:
    """The prompt, and what the model made of it."""
    made_ms = stream.ms_between(Stage.BEGUN, Stage.PROMPT) or 0
    steps = [
        ("connected", Stage.CONNECTED),
        ("first byte", Stage.FIRST_BYTE),
        ("first text", Stage.FIRST_TEXT),
        ("end", Stage.DONE),
    ]
    ready_ms = stream.ms_between(Stage.PROMPT, Stage.ASKED)
    asked = "not asked yet"
    if ready_ms is not None:
        asked = f"ready after {ready_ms:.0f} ms"
    times = _after(stream, Stage.ASKED, steps)
    elsewhere = ""
    if stream.n_elsewhere_chars:
        elsewhere = f" ({stream.n_elsewhere_chars:,} of other text)"
    return [
        f"- Prompt: {stream.n_prompt_chars:,} characters{elsewhere}, about "
        f"{stream.n_input_tokens:,} tokens, made in {made_ms:.1f} ms.",
        f"- Model: {record.model_name}, {asked}{times and f'; {times}'}.",
        f"- Stream: {stream.n_chunks} chunks, about {stream.n_output_tokens} tokens.",
    ]


def _after(
    timeline: Timeline,
    start: Stage,
    steps: Sequence[tuple[str, Stage]],
    *,
    n_decimals: int = 0,
) -> str:
    """How long after one stage each of some others passed that did."""
    times = ((name, timeline.ms_between(start, stage)) for name, stage in steps)
    return ", ".join(
        f"{name} after {ms:.{n_decimals}f} ms" for name, ms in times if ms is not None
    )


def _times(records: Records) -> list[str]:
    """How quick answers have been, by where they came from."""
    return [
        f"- {len(ms)} answers so far: {source.value}, p50 {_share(ms, 0.5):.1f} ms, "
        f"p95 {_share(ms, 0.95):.1f} ms."
        for source, ms in records.ms_by_source().items()
    ]


def _share(sorted_ms: list[float], share: float) -> float:
    return sorted_ms[ceil(share * len(sorted_ms)) - 1]
