"""How much of a prompt begins as the one before did: what an endpoint's cache serves.

    python tests/bench/heads.py            prints it
    python tests/bench/heads.py --write    writes it into docs/benchmarks.md

The prompts are those that the server would send after each recorded key if it asked at
each, made by its own code.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import page
from traces import Segment, n_same_chars, states, traces, typed_at

from foretype import prompt, trim
from foretype.document import Document
from foretype.prompt import Prompt
from foretype.settings import EndpointSettings, Settings

# One for each order of the text around the cursor.
ENDPOINTS = {
    "prefix first (Qwen-Coder)": {"model": "qwen2.5-coder"},
    "suffix first (Mellum)": {"model": "mellum"},
    "suffix first (chat)": {"model": "m", "wire": "chat"},
}
N_SEGMENTS = 6
N_EVENTS = 400

# One sentence a line, as in all Markdown here.
# ruff: noqa: E501
PROSE = """\
## The head of the prompt

How much of a prompt begins with the same text as the one of the key before, of all characters that are sent, if each key of the recordings asked: what an endpoint's cache can serve, and what input costs.
*Typing on* are the keys that type where the last one left the cursor; all keys have those besides that take text back, jump, or change text in another place.
*New* is what a key adds that was not sent before it.

{table}

Models that are told the text behind the cursor last get 64 tokens of it, some six lines, as all of it comes behind what changes; those that are told it first get 600.
Where the cursor jumps, that text begins elsewhere: told first, all of the prompt is new, told last, a tenth of it.
No order of the two helps against that, and a window that stays where it was would leave out what stands right at the cursor; so the budgets of 95 and 99 % are for typing on.

To measure it: `python tests/bench/heads.py`.
"""


@dataclass
class Share:
    """What was sent, and how much of it was as before."""

    n_keys: int = 0
    n_chars: int = 0
    n_same_chars: int = 0

    def add(self, before: str, now: str) -> None:
        self.n_keys += 1
        self.n_chars += len(now)
        self.n_same_chars += n_same_chars(before, now)

    @property
    def percent(self) -> float:
        return 100 * self.n_same_chars / self.n_chars

    @property
    def n_new_chars(self) -> float:
        """For each key."""
        return (self.n_chars - self.n_same_chars) / self.n_keys


def prompts(segment: Segment, settings: Settings) -> Iterator[str]:
    """The prompt in each state of the recorded document."""
    view = prompt.view(settings, prompt.CHARS_PER_TOKEN)
    for state in states(segment):
        document = Document("file:///a", segment.language_id, 1, state.text)
        snapshot = document.snapshot(state.cursor, settings, view)
        shape = trim.shape(snapshot.anchor, is_invoked=False)
        yield text_of(prompt.build(snapshot, shape))


def text_of(built: Prompt) -> str:
    """All of a prompt, in the order in which the model reads it."""
    return built.text + "".join(message.content for message in built.messages)


def measured(endpoint: dict[str, str]) -> dict[tuple[str, bool], Share]:
    """The shares of each recording: of all keys, and of those that type on."""
    settings = Settings(
        endpoint=EndpointSettings(base_url="http://localhost/v1", **endpoint)
    )
    shares: dict[tuple[str, bool], Share] = defaultdict(Share)
    for trace in traces():
        for segment in trace.segments(N_SEGMENTS, N_EVENTS):
            all_states = states(segment)
            made = pairwise(prompts(segment, settings))
            for idx, (before, now) in enumerate(made):
                state = all_states[idx]
                is_there = state.cursor == state.next_cursor
                types_on = is_there and bool(typed_at(segment, idx, state))
                shares[trace.name, False].add(before, now)
                if types_on:
                    shares[trace.name, True].add(before, now)
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    rows = [
        "| recording | order | typing on | all keys | new characters a key |",
        "|---|---|--:|--:|--:|",
    ]
    for order, endpoint in ENDPOINTS.items():
        shares = measured(endpoint)
        for name in dict.fromkeys(name for name, _ in shares):
            typed, every = shares[name, True], shares[name, False]
            rows.append(
                f"| {name} | {order} | {typed.percent:.1f}% | {every.percent:.1f}% "
                f"| {every.n_new_chars:.0f} of {every.n_chars / every.n_keys:.0f} |"
            )
    table = "\n".join(rows)
    print(table)
    if options.write:
        page.write_part("the head of the prompt", PROSE.format(table=table))


if __name__ == "__main__":
    main()
