"""What the completions come to: tables, and a part of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean

import humaneval
import page
import quality_prose
import sandbox
from judging import (
    Difference,
    Score,
    as_first_line,
    as_shown,
    as_written,
    difference,
    first_line,
)
from places import Outcome
from report import Table
from variants import Part, Variant, as_shipped

Results = Mapping[Variant, Sequence[Outcome]]

# How a text is made of what came of asking, and how good it is.
_Way = tuple[Callable[[Outcome], str], Callable[[Outcome], Score]]
WAYS: Mapping[str, _Way] = {
    "what is shown": (
        lambda o: o.place.completed(o.shown, o.n_covered_chars),
        as_shown,
    ),
    "the first line written": (
        lambda o: o.place.completed(first_line(o.written)),
        as_first_line,
    ),
    "all that is written": (lambda o: o.place.completed(o.written), as_written),
}


class Report:
    """All results, as they are told."""

    def __init__(self, results: Results, parts: Sequence[Part], seed: int) -> None:
        self._results, self._parts, self._seed = results, parts, seed
        shipped = results[as_shipped()]
        self._problems = [o for o in shipped if o.place.group == humaneval.GROUP]
        self._holes = self._holes_of(as_shipped())
        self._passed: dict[str, bool] = {}

    def tables(self) -> Iterator[Table]:
        if self._problems:
            yield self._humaneval()
        if self._holes:
            yield self._by_kind()
        yield self._worth()

    def write(self) -> None:
        """Writes the part of docs/benchmarks.md."""
        texts = [quality_prose.HEAD, *(table.markdown() for table in self.tables())]
        # The page has a title of its own.
        text = "\n\n".join(text.strip() for text in texts).replace("\n## ", "\n### ")
        page.write_part("quality", "#" + text)

    def worst(self, n: int) -> Iterator[str]:
        """The suggestions that are least like what belongs there, for a person."""
        shown = [o for o in (*self._problems, *self._holes) if o.shown]
        shown.sort(key=lambda o: as_shown(o).similarity)
        for outcome in shown[:n]:
            place = outcome.place
            score = as_shown(outcome)
            yield "\n".join(
                (
                    f"{place.name}, similarity {score.similarity:.2f}",
                    f"  above:   {_last_lines(place.before)!r}",
                    f"  cursor:  {place.line_prefix}█{first_line(place.after)}",
                    f"  shown:   {outcome.shown!r}",
                    f"  right:   {place.truth!r}",
                    f"  written: {outcome.written[:200]!r}",
                    f"  said:    {outcome.said.partition('. ')[0]}",
                )
            )

    def _holes_of(self, variant: Variant) -> list[Outcome]:
        outcomes = self._results[variant]
        return [o for o in outcomes if o.place.group != humaneval.GROUP]

    def _humaneval(self) -> Table:
        columns = ["", "problems", *_MEASURES, "tests"]
        before = f"{quality_prose.HUMANEVAL}\n{quality_prose.MEASURES}"
        table = Table("HumanEval-Infilling, single line", columns, before)
        for name, (completed, score) in WAYS.items():
            cells = _cells([score(outcome) for outcome in self._problems])
            tested = [
                self._passes(completed(outcome) + outcome.place.test)
                for outcome in self._problems
            ]
            table.add(name, *cells, f"{fmean(tested):.1%}")
        return table

    def _by_kind(self) -> Table:
        columns = ["", "holes", *_MEASURES]
        table = Table("Holes", columns, quality_prose.HOLES)
        table.add("all of them", *_cells(map(as_shown, self._holes)))
        for told in ("kind", "group"):
            names = sorted({getattr(o.place, told) for o in self._holes})
            for name in names:
                of_it = [o for o in self._holes if getattr(o.place, told) == name]
                table.add(name, *_cells(map(as_shown, of_it)))
        reasons = sorted({o.reason for o in self._holes if o.reason})
        for reason in reasons:
            n = sum(o.reason == reason for o in self._holes)
            table.after += f"Nothing is shown at {n} for the reason `{reason}`.\n"
        return table

    def _worth(self) -> Table:
        """What each part adds."""
        columns = ["", "places", "right", "without", "gained", "lost"]
        columns += ["difference", "similarity", "verdict"]
        table = Table("What each part adds", columns, quality_prose.PARTS)
        for part in self._parts if self._holes else ():
            having, lacking = map(self._holes_of, (part.having, part.lacking))
            self._add(table, part.name, having, as_shown, lacking, as_shown)
        for told, outcomes in (("HumanEval", self._problems), ("holes", self._holes)):
            asked = [outcome for outcome in outcomes if outcome.prompt]
            for name in ("the first line written", "all that is written"):
                if asked:
                    _, lacking = WAYS[name]
                    what = f"trim, against {name}: {told}"
                    self._add(table, what, asked, as_shown, asked, lacking)
        return table

    def _add(
        self,
        table: Table,
        name: str,
        having: Sequence[Outcome],
        score_having: Callable[[Outcome], Score],
        lacking: Sequence[Outcome],
        score_lacking: Callable[[Outcome], Score],
    ) -> None:
        pairs = [*zip(having, lacking, strict=True)]
        assert all(one.place == other.place for one, other in pairs)
        scored = [(score_having(o), score_lacking(p)) for o, p in pairs]
        right = difference(
            [one.is_right for one, _ in scored],
            [other.is_right for _, other in scored],
            self._seed,
        )
        similar = difference(
            [one.similarity for one, _ in scored],
            [other.similarity for _, other in scored],
            self._seed,
        )
        table.add(
            name,
            str(right.n),
            f"{fmean(one.is_right for one, _ in scored):.1%}",
            f"{fmean(other.is_right for _, other in scored):.1%}",
            str(right.n_gained),
            str(right.n_lost),
            _points(right),
            _points(similar),
            _verdict({"right": right, "similarity": similar}),
        )

    def _passes(self, program: str) -> bool:
        """Whether a program passes; each is run once."""
        if program not in self._passed:
            verdict = sandbox.run(program)
            self._passed[program] = verdict is sandbox.Verdict.PASSED
        return self._passed[program]


_MEASURES = ("right", "wrong", "nothing", "exact", "similarity")


def _cells(scores: Iterable[Score]) -> list[str]:
    """How many there are, and the cells of `_MEASURES`."""
    scores = [*scores]
    shown = [score for score in scores if score.is_shown]
    n = len(scores)
    n_right = sum(score.is_right for score in shown)
    similarity = f"{fmean(s.similarity for s in shown):.3f}" if shown else ""
    return [
        str(n),
        f"{n_right / n:.1%}",
        f"{(len(shown) - n_right) / n:.1%}",
        f"{(n - len(shown)) / n:.1%}",
        f"{sum(score.is_exact for score in shown) / n:.1%}",
        similarity,
    ]


def _points(found: Difference) -> str:
    """A mean with its interval, in hundredths."""
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _verdict(found: Mapping[str, Difference]) -> str:
    """What can be told from noise of some differences, by what they are of."""
    told = [f"{each.verdict} in {name}" for name, each in found.items() if each.verdict]
    return ", ".join(told) or "noise"


def _last_lines(before: str, n_lines: int = 3) -> str:
    """The lines above the cursor's."""
    return "\n".join(before.split("\n")[-1 - n_lines : -1])
