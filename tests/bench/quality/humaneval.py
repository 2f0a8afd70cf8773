"""HumanEval-Infilling, single line: a line is missing in a function that has tests.

By Bavarian et al., "Efficient Training of Language Models to Fill in the Middle", 2022,
https://github.com/openai/human-eval-infilling; a gzipped JSON object a line.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random

from places import Place

FILE_NAME = "HumanEval-SingleLineInfilling.jsonl.gz"
GROUP = "HumanEval"
KIND = "a line"


class NoProblemsError(Exception):
    """There are no problems to be read where they should be."""


def places(folder: Path, n: int, seed: int) -> list[Place]:
    """Some of the problems, in the order of the file.

    Raises: NoProblemsError.
    """
    path = folder / FILE_NAME
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            problems = [json.loads(line) for line in lines]
    except (OSError, EOFError, ValueError) as error:
        raise NoProblemsError(
            f"{path} cannot be read ({error}); it is in the data folder of "
            "https://github.com/openai/human-eval-infilling: name the folder it is in "
            "by --fim, or leave it out by --only holes"
        ) from error
    idxs = Random(seed).sample(range(len(problems)), min(n, len(problems)))
    return [_place(problems[idx]) for idx in sorted(idxs)]


def _place(problem: dict[str, str]) -> Place:
    """A problem as it is in an editor, which has indented the line that is missing."""
    line = problem["canonical_solution"].removesuffix("\n")
    content = line.lstrip()
    indent = line[: len(line) - len(content)]
    name = problem["task_id"].removeprefix("SingleLineInfilling/")
    return Place(
        name=name,
        group=GROUP,
        kind=KIND,
        path=f"{name.replace('/', '_').lower()}.py",
        language_id="python",
        before=problem["prompt"] + indent,
        truth=content.rstrip(),
        after="\n" + problem["suffix"],
        test=f"\n{problem['test']}\ncheck({problem['entry_point']})\n",
    )
