"""The tests' fake endpoint as a process that is told what to answer while it runs.

    python editors/vscode/test/e2e/endpoint.py [--port PORT]

It prints its port. Each line of standard input replaces what it answers:

    {"rules": [{"after": "def f():", "answer": answer}, ...], "default": answer}

The first rule counts whose text the prompt ends with, white space at the ends aside. An
answer is as in `tests/fake_endpoint.py`, and `{n}` in its steps is the number of the
request. Every line is confirmed by `{"told": true}`, every request is printed when it
comes and when it has been answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[4] / "tests"))

import fake_endpoint
from fake_endpoint import Answer, FakeEndpoint, Request


class Script:
    """What is answered at the moment."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, Mapping[str, Any]]] = []
        self.default: Mapping[str, Any] = {}
        self._numbers: dict[Request, int] = {}

    def tell(self, line: str) -> None:
        told = json.loads(line)
        rules = told.get("rules", ())
        self.rules = [(rule["after"].rstrip(), rule["answer"]) for rule in rules]
        self.default = told.get("default", {})
        say({"told": True})

    def answer(self, request: Request) -> Answer:
        number = self._numbers[request] = len(self._numbers) + 1
        body = request.body or {}
        prompt = str(body.get("prompt", ""))
        authorization = request.headers.get("authorization")
        say({"request": number, "prompt": prompt, "authorization": authorization})
        asked = prompt.rstrip()
        fields = dict(
            next((a for after, a in self.rules if asked.endswith(after)), self.default)
        )
        fields["steps"] = [
            step.replace("{n}", str(number)) if isinstance(step, str) else step
            for step in fields.get("steps", ())
        ]
        return fake_endpoint.answer_of(fields)

    def ended(self, request: Request) -> None:
        """Says how long the endpoint itself took until its first text."""
        if request.chunks_ns:
            first_text_ms = (request.chunks_ns[0] - request.received_ns) / 1e6
            say({"ended": self._numbers[request], "first_text_ms": first_text_ms})


def say(message: object) -> None:
    print(json.dumps(message), flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description="A fake endpoint that can be told.")
    parser.add_argument("--port", type=int, default=0, help="where to listen")
    options = parser.parse_args()
    script = Script()
    async with FakeEndpoint(
        script.answer, on_end=script.ended, port=options.port
    ) as endpoint:
        say({"port": endpoint.port})
        while line := await asyncio.to_thread(sys.stdin.readline):
            script.tell(line)


asyncio.run(main())
