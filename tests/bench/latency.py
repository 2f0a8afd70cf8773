"""How long a key takes and what it costs, measured at the server's process.

    python tests/bench/latency.py            prints the tables, after a few minutes
    python tests/bench/latency.py --quick    the same with a few keys, to see it work
    python tests/bench/latency.py --write    writes docs/latency.md as well

The server runs as an editor runs it, the endpoint is a process on loopback, and all
stamps are of one clock. What is compared takes turns, so that a noisy machine is as
noisy for both. Nothing is asserted: a missed budget is printed, with what is known
about it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import string
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, closing
from dataclasses import dataclass
from typing import Any
from unittest import mock

import aiohttp
import documents
import openai
import prose
import psutil
from documents import N_TYPED, SUGGESTED, Document, Place
from lsprotocol import types
from processes import (
    BENCH,
    Endpoint,
    LanguageServer,
    clean_environment,
    started,
)
from pygls.protocol import default_converter
from report import Table, machine, mb, ms, p50, p99, times, us, verdict
from rich.console import Console

import sessions
from foretype import document as mirror
from foretype import endpoint as endpoint_module
from foretype import lsp, request
from foretype.answer import Answer, Completion, Source
from foretype.client import SERVER_COMMAND
from foretype.completions import CompletionsWire
from foretype.endpoint import EndpointModel
from foretype.explain import Records
from foretype.prompt import Prompt
from foretype.settings import Settings
from foretype.stats import PARTS, Counted, Stats
from foretype.timeline import Stage, Timeline

STOCK_COMMAND = (sys.executable, "-P", str(BENCH / "stock_server.py"))
DOCUMENT = BENCH.parents[1] / "docs" / "latency.md"

MS, US = 1e6, 1e3
# The budgets; the times among them in nanoseconds.
MEMORY_P50, MEMORY_P99 = 0.5 * MS, 2 * MS
WRITTEN_P50, WRITTEN_P99 = 1 * MS, 4 * MS
WRITTEN_RATIO = 1.2
ANSWERED_P50 = 0.5 * MS
ABORT_P99 = 5 * MS
START_RATIO = 1.2
CPU_PER_KEY = 1 * MS
CPU_PER_CHUNK = 20 * US
BOOKKEEPING = 20 * US
N_BYTES = 100e6

# Ends the line, and what a stream is read for behind it.
LAST_CHUNK = "\n\n\n"

N_LONG_LINE_CHARS = 200_000
N_CHUNKS = 512
N_DOCUMENTS = 50
# What the widest table takes.
N_COLUMNS = 150
# The server is idle again by then, as it is between two chunks of a real model.
PAUSE_MS = 5
# A request that comes back to back with another finds the endpoint still at that.
SETTLE_S = 0.005


@dataclass(frozen=True)
class Scale:
    """How often each thing is done."""

    n_places: int
    n_places_long: int
    n_stock_keys: int
    n_asks: int
    n_aborts: int
    n_starts: int
    n_streams: int
    n_paced: int
    n_requests: int
    sessions: sessions.Scale


FULL = Scale(
    n_places=25,
    n_places_long=13,
    n_stock_keys=100,
    n_asks=200,
    n_aborts=200,
    n_starts=15,
    n_streams=30,
    n_paced=6,
    n_requests=100,
    sessions=sessions.FULL,
)
QUICK = Scale(
    n_places=2,
    n_places_long=1,
    n_stock_keys=2,
    n_asks=2,
    n_aborts=2,
    n_starts=1,
    n_streams=1,
    n_paced=1,
    n_requests=2,
    sessions=sessions.QUICK,
)


@dataclass(frozen=True)
class Bench:
    """What every measurement is given."""

    scale: Scale
    endpoint: Endpoint
    environment: Mapping[str, str]

    def server(self, encoding: str = "utf-8") -> AbstractContextManager[LanguageServer]:
        """A server that asks the endpoint."""
        return started(SERVER_COMMAND, self.environment, encoding)

    def stock(self, encoding: str = "utf-8") -> AbstractContextManager[LanguageServer]:
        return started(STOCK_COMMAND, self.environment, encoding)

    def remember(
        self, server: LanguageServer, document: Document, places: Sequence[Place]
    ) -> None:
        """Has the suggestion for each place generated."""
        self.endpoint.answer_with([SUGGESTED, LAST_CHUNK], "chunk")
        for place in places:
            msg_id, asked = document.asked(place)
            server.send(asked)
            _, result = server.answer(msg_id)
            assert _texts(result) == [SUGGESTED]
            self.endpoint.ended()


# Answers from memory


def memory(bench: Bench) -> Table:
    columns = ["document", "keys"]
    for name in ("p50", "p99"):
        columns += [name, "budget"]
    columns += ["asked again", "stock p50", "stock p99", "ratio"]
    table = Table("Answers from memory", columns, prose.MEMORY, prose.MEMORY_FOUND)
    for encoding in ("utf-8", "utf-16"):
        with bench.server(encoding) as server, bench.stock(encoding) as stock:
            for name, (document, places) in _memory_documents(bench, encoding):
                for each in (server, stock):
                    each.send(document.opened())
                bench.remember(server, document, places)
                msg_id, asked = document.asked(places[0])
                stock.send(asked)
                stock.answer(msg_id)
                n_before = bench.endpoint.count()
                ours, theirs = _type_along(bench, server, stock, document, places)
                n_asked = bench.endpoint.count() - n_before
                if n_asked:
                    bench.endpoint.ended(n_asked)
                table.add(
                    name,
                    str(len(ours)),
                    *_against(p50(ours), MEMORY_P50),
                    *_against(p99(ours), MEMORY_P99),
                    str(n_asked),
                    ms(p50(theirs)),
                    ms(p99(theirs)),
                    times(p50(theirs) / p50(ours)),
                )
    echoes = _echoes(bench)
    n, half, most = str(len(echoes)), ms(p50(echoes)), ms(p99(echoes))
    table.add("(an echo over two pipes)", n, half, "", most, *[""] * 5)
    return table


def _memory_documents(
    bench: Bench, encoding: str
) -> list[tuple[str, tuple[Document, list[Place]]]]:
    if encoding == "utf-8":
        return [
            (f"{n_lines:,} lines", _spread(n_lines, bench.scale.n_places))
            for n_lines in (1_000, 10_000, 100_000)
        ]
    return [
        (
            f"one line, {N_LONG_LINE_CHARS:,} characters, {name}, UTF-16",
            documents.with_one_line(
                N_LONG_LINE_CHARS, bench.scale.n_places_long, is_ascii=is_ascii
            ),
        )
        for name, is_ascii in (("ASCII", True), ("not ASCII", False))
    ]


def _spread(n_lines: int, n_places: int) -> tuple[Document, list[Place]]:
    step = n_lines // (n_places + 1)
    line_idxs = range(step, step * n_places + 1, step)
    return documents.with_lines(n_lines, line_idxs, "    value_{} = ")


def _type_along(
    bench: Bench,
    server: LanguageServer,
    stock: LanguageServer,
    document: Document,
    places: Sequence[Place],
) -> tuple[list[int], list[int]]:
    """The round trips of each key, typed as suggested at one place after the other."""
    ours: list[int] = []
    theirs: list[int] = []
    for place in places:
        for n_typed, char in enumerate(SUGGESTED[:N_TYPED], 1):
            msg_id, key = document.key(place, char)
            began_ns = server.send(key)
            answered_ns, result = server.answer(msg_id)
            ours.append(answered_ns - began_ns)
            # A server that asked again shows what it was told again.
            assert _texts(result) in ([SUGGESTED[n_typed:]], [SUGGESTED])
            if len(theirs) < bench.scale.n_stock_keys:
                began_ns = stock.send(key)
                answered_ns, _ = stock.answer(msg_id)
                theirs.append(answered_ns - began_ns)
    return ours, theirs


def _echoes(bench: Bench) -> list[int]:
    """What two pipes and two switches of processes take, with no server at all."""
    code = "import os\nwhile data := os.read(0, 1 << 16): os.write(1, data)"
    _, key = documents.with_lines(1, [], "")[0].key(Place(0, 0), "x")
    echoes = []
    with subprocess.Popen(
        (sys.executable, "-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout
        with closing(process.stdin):
            for _ in range(bench.scale.n_places * N_TYPED):
                began_ns = time.perf_counter_ns()
                os.write(process.stdin.fileno(), key)
                os.read(process.stdout.fileno(), 1 << 16)
                echoes.append(time.perf_counter_ns() - began_ns)
    # The first one waits for the process to start.
    return echoes[1:]


# Requests to the model


@dataclass(frozen=True)
class _Ask:
    """The stamps of a key that the model was asked for."""

    written_ns: int
    """From the key to the last byte of the HTTP request."""
    answered_ns: int
    """From the last byte that was needed to the response."""
    is_kept: bool
    """Whether it went over a connection that was open."""


_CASES = ("1,000 lines, down the file", "100,000 lines, down the file")
_FAR_CASE = "100,000 lines, anywhere in the file"


def asks(bench: Bench) -> tuple[Table, Table]:
    """From the key to the HTTP request, and from the last chunk to the answer."""
    columns = ["document, connection", "keys", "kept"]
    for name in ("p50", "p99"):
        columns += [name, "budget"]
    written = Table(
        "From the key to the request",
        [*columns, f"to {_CASES[0].split(' ')[0]} lines", "budget"],
        prose.WRITTEN,
        prose.WRITTEN_FOUND,
    )
    answered = Table(
        "From the last chunk to the answer",
        ("document, last chunk", "keys", "p50", "budget", "p99"),
        prose.ANSWERED,
        prose.ANSWERED_FOUND,
    )
    with bench.server() as server:
        for end, connection, last in (
            ("stop", "kept", "the end of the stream"),
            ("chunk", "new", "the end of the line"),
        ):
            found = _interleaved_asks(bench, server, end)
            base = p50([ask.written_ns for ask in found[_CASES[0]]])
            for name, made in found.items():
                took = [ask.written_ns for ask in made]
                ratio = p50(took) / base
                n_kept = sum(ask.is_kept for ask in made)
                written.add(
                    f"{name}, {connection}",
                    str(len(took)),
                    f"{n_kept / len(made):.0%}",
                    *_against(p50(took), WRITTEN_P50),
                    *_against(p99(took), WRITTEN_P99),
                    times(ratio),
                    verdict(ratio, WRITTEN_RATIO, times),
                )
                took = [ask.answered_ns for ask in made]
                answered.add(
                    f"{name}, {last}",
                    str(len(took)),
                    *_against(p50(took), ANSWERED_P50),
                    ms(p99(took)),
                )
    return written, answered


def _interleaved_asks(
    bench: Bench, server: LanguageServer, end: str
) -> dict[str, list[_Ask]]:
    n_asks = bench.scale.n_asks
    near = [
        documents.with_lines(n, _in_order(n, n_asks), "    value_{} =")
        for n in (1_000, 100_000)
    ]
    step = 100_000 // (n_asks + 1)
    anywhere = random.Random(0).sample(range(step, step * n_asks + 1, step), n_asks)
    far = documents.with_lines(100_000, anywhere, "    value_{} =")
    found: dict[str, list[_Ask]] = {name: [] for name in (*_CASES, _FAR_CASE)}
    cases = [*zip(found.values(), [*near, far], strict=True)]
    for _, (document, _) in cases:
        server.send(document.opened())
    # Chunks of a token or two, as they come.
    chunks = [SUGGESTED[:14], SUGGESTED[14:]]
    if end == "chunk":
        chunks.append(LAST_CHUNK)
    bench.endpoint.answer_with(chunks, end, pause_ms=PAUSE_MS)
    _warm(bench, server)
    connections: set[int] = set()
    for ask_idx in range(n_asks):
        for made, (document, places) in cases:
            msg_id, key = document.key(places[ask_idx], " ")
            began_ns = server.send(key)
            answered_ns, result = server.answer(msg_id)
            assert _texts(result) == [SUGGESTED]
            (stamps,) = bench.endpoint.ended()
            made.append(
                _Ask(
                    stamps["received_ns"] - began_ns,
                    answered_ns - stamps["completing_ns"],
                    stamps["connection"] in connections,
                )
            )
            connections.add(stamps["connection"])
    return found


def _in_order(n_lines: int, n_places: int) -> range:
    """Lines close to each other in the middle of a document."""
    step = 3
    first = (n_lines - step * n_places) // 2
    return range(first, first + step * n_places, step)


def _warm(bench: Bench, server: LanguageServer) -> None:
    """The first requests of a process import, and connect."""
    n_asks = min(bench.scale.n_asks, 20)
    document, places = documents.with_lines(
        1_000, _in_order(1_000, n_asks), "    warm_{} = "
    )
    server.send(document.opened())
    for place in places:
        msg_id, asked = document.asked(place)
        server.send(asked)
        server.answer(msg_id)
        bench.endpoint.ended()


def aborts(bench: Bench) -> Table:
    table = Table(
        "From a key that diverges to the closed stream",
        ("document", "aborts", "p50", "p99", "budget"),
        prose.ABORTS,
        prose.ABORTS_FOUND,
    )
    n_aborts = bench.scale.n_aborts
    for n_lines in (1_000, 100_000):
        with bench.server() as server:
            document, places = _spread(n_lines, n_aborts)
            server.send(document.opened())
            bench.endpoint.answer_with([SUGGESTED, LAST_CHUNK], "chunk")
            _warm(bench, server)
            bench.endpoint.answer_with([SUGGESTED[:14]], "stall")
            took = []
            for place in places:
                msg_id, asked = document.asked(place)
                server.send(asked)
                bench.endpoint.received(1)
                time.sleep(SETTLE_S)
                began_ns = server.send(document.typed(place, "Z"))
                (stamps,) = bench.endpoint.ended()
                took.append(stamps["disconnected_ns"] - began_ns)
                server.answer(msg_id)
        table.add(
            f"{n_lines:,} lines",
            str(len(took)),
            ms(p50(took)),
            *_against(p99(took), ABORT_P99),
        )
    return table


# Start, memory


def start(bench: Bench) -> Table:
    table = Table(
        "From the start of the process to the answer to `initialize`",
        ("what", "starts", "p50", "to the import", "budget"),
        prose.START,
        prose.START_FOUND,
    )
    import_name = "`import pygls.lsp.server`, to its end"
    server_name = "Foretype, to the answer"
    starting: dict[str, Callable[[], int]] = {
        "Python alone": lambda: _script_ns(bench, "pass"),
        import_name: lambda: _script_ns(bench, "import pygls.lsp.server"),
        "stock pygls server, to the answer": lambda: _initialized_ns(
            bench, STOCK_COMMAND
        ),
        server_name: lambda: _initialized_ns(bench, SERVER_COMMAND),
    }
    took: dict[str, list[int]] = {name: [] for name in starting}
    for run in starting.values():
        # Files that nobody has read for long.
        run()
    for _ in range(bench.scale.n_starts):
        for name, run in starting.items():
            took[name].append(run())
    for name, values in took.items():
        ratio = p50(values) / p50(took[import_name])
        budget = verdict(ratio, START_RATIO, times) if name == server_name else ""
        table.add(name, str(len(values)), ms(p50(values)), times(ratio), budget)
    return table


def _script_ns(bench: Bench, code: str) -> int:
    """From the start of a process to the byte that it writes behind some code."""
    began_ns = time.perf_counter_ns()
    with subprocess.Popen(
        (sys.executable, "-P", "-c", f"{code}\nimport os; os.write(1, b'.')"),
        env=dict(bench.environment),
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"."
        return time.perf_counter_ns() - began_ns


def _initialized_ns(bench: Bench, command: Sequence[str]) -> int:
    with LanguageServer(command, bench.environment) as server:
        return server.initialize("utf-8") - server.spawned_ns


def resident(bench: Bench) -> Table:
    table = Table(
        "Memory",
        ("what", "RSS", "USS", "budget"),
        prose.RESIDENT,
        prose.RESIDENT_FOUND,
    )
    for name, context in (
        ("stock pygls server", bench.stock()),
        ("Foretype", bench.server()),
    ):
        with context as server:
            table.add(f"{name}, no document", *_resident(server), "")
            for _ in range(N_DOCUMENTS):
                document, places = _spread(1_000, 1)
                server.send(document.opened())
                if name == "Foretype":
                    bench.remember(server, document, places)
                else:
                    msg_id, asked = document.asked(places[0])
                    server.send(asked)
                    server.answer(msg_id)
            rss = psutil.Process(server.pid).memory_info().rss
            table.add(
                f"{name}, {N_DOCUMENTS} documents of 1,000 lines",
                *_resident(server),
                verdict(rss, N_BYTES, mb) if name == "Foretype" else "",
            )
    return table


def _resident(server: LanguageServer) -> tuple[str, str]:
    info = psutil.Process(server.pid).memory_full_info()
    return mb(info.rss), mb(info.uss)


# CPU


def cpu(bench: Bench) -> Table:
    table = Table(
        "CPU of the server",
        ("what", "times", "CPU each", "budget"),
        prose.CPU,
        prose.CPU_FOUND,
    )
    n_places = bench.scale.n_places
    with bench.server() as server:
        for n_lines in (1_000, 100_000):
            document, places = _spread(n_lines, n_places)
            server.send(document.opened())
            bench.remember(server, document, places)
            n_keys = n_places * N_TYPED
            took = _cpu_ns(server)
            for place in places:
                for char in SUGGESTED[:N_TYPED]:
                    msg_id, key = document.key(place, char)
                    server.send(key)
                    server.answer(msg_id)
            took = (_cpu_ns(server) - took) / n_keys
            table.add(
                f"key from memory, {n_lines:,} lines",
                str(n_keys),
                us(took),
                verdict(took, CPU_PER_KEY, us),
            )
        for name, n_streams, per_stream, per_chunk in _streams(bench, server):
            table.add(f"request, {name}", str(n_streams), us(per_stream), "")
            table.add(
                f"chunk, {name}",
                f"{n_streams * (N_CHUNKS - 1)}",
                us(per_chunk),
                verdict(per_chunk, CPU_PER_CHUNK, us),
            )
    return table


def _streams(
    bench: Bench, server: LanguageServer
) -> list[tuple[str, int, float, float]]:
    """For each kind of stream its name, how many, and CPU of a request and a chunk."""
    n_streams, n_paced = bench.scale.n_streams, bench.scale.n_paced
    line, opening = ("    value_{} =", " "), ("    if value_{}", ":")
    kinds: list[tuple[str, Sequence[str], tuple[str, str], int, float]] = [
        ("a line, a character each", _line_chunks(), line, n_streams, 0),
        ("a block, four characters each", _block_chunks(), opening, n_streams, 0),
        ("the same line, one a millisecond", _line_chunks(), line, n_paced, 1),
    ]
    found = []
    for name, chunks, (before_key, key_text), n, between_ms in kinds:
        # The one chunk brings as many characters.
        one = ["".join(chunks)]
        took = {N_CHUNKS: 0.0, 1: 0.0}
        document, places = documents.with_lines(
            1_000, _in_order(1_000, min(2 * n, 300)), before_key
        )
        server.send(document.opened())
        _warm(bench, server)
        for place_idx, place in enumerate(places):
            is_many = place_idx % 2 == 0
            bench.endpoint.answer_with(
                chunks if is_many else one, "stop", between_ms=between_ms
            )
            msg_id, key = document.key(place, key_text)
            before = _cpu_ns(server)
            server.send(key)
            _, result = server.answer(msg_id)
            # A stream that takes long is shown as far as it is there.
            (shown,) = _texts(result)
            assert one[0].startswith(shown)
            bench.endpoint.ended()
            time.sleep(SETTLE_S)
            took[N_CHUNKS if is_many else 1] += _cpu_ns(server) - before
            # Whatever it did not read would make the others look cheap.
            msg_id, asked = document.asked(place)
            server.send(asked)
            _, result = server.answer(msg_id)
            assert _texts(result) == one
        per_chunk = (took[N_CHUNKS] - took[1]) / n / (N_CHUNKS - 1)
        found.append((name, n, took[1] / n, per_chunk))
    return found


def _words(n_chars: int) -> str:
    """Names of code, no two alike, as a model that repeats itself is stopped."""
    chooser = random.Random(n_chars)
    letters = string.ascii_lowercase
    words = ("".join(chooser.choices(letters, k=6)) for _ in range(n_chars))
    return " + ".join(words)[:n_chars]


def _line_chunks() -> list[str]:
    """A line that is never over, a character at a time."""
    return list(_words(N_CHUNKS))


def _block_chunks() -> list[str]:
    """The rest of a statement over many lines, in tokens of a usual length."""
    n_lines, n_chars = 20, 4 * N_CHUNKS
    words = _words(n_chars)
    n_line_chars = n_chars // n_lines
    lines = [
        f"\n        {words[n * n_line_chars :]}"[:n_line_chars].rstrip(" ")
        for n in range(n_lines)
    ]
    text = "".join(line.ljust(n_line_chars, ",") for line in lines)
    return [text[at : at + 4] for at in range(0, n_chars, 4)]


def _cpu_ns(server: LanguageServer) -> float:
    spent = psutil.Process(server.pid).cpu_times()
    return (spent.user + spent.system) * 1e9


# The HTTP backends, in this process

_Read = Callable[[Prompt], AsyncIterator[object]]


def backends(bench: Bench) -> Table:
    table = Table(
        "The HTTP backends",
        ("client", "key to request p50", "CPU per request", "CPU per chunk"),
        prose.BACKENDS,
        prose.BACKENDS_FOUND,
    )
    for name, cells in asyncio.run(_measure_backends(bench)).items():
        table.add(name, *cells)
    return table


class _OverHttpx(openai.DefaultAsyncHttpxClient):
    """The package's other backend, which keeps no connections that nobody uses."""

    def keep_spares(self) -> None:
        """There are none."""


async def _measure_backends(bench: Bench) -> dict[str, tuple[str, str, str]]:
    base_url = bench.endpoint.base_url
    target = request.Endpoint(base_url, "qwen2.5-coder")
    with mock.patch.object(
        endpoint_module,
        "HttpClient",
        lambda _: _OverHttpx(trust_env=False),
    ):
        over_httpx = EndpointModel(target, CompletionsWire())
    over_aiohttp = EndpointModel(target, CompletionsWire())
    typed = openai.AsyncOpenAI(
        base_url=base_url,
        api_key="none",
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
    )
    async with aiohttp.ClientSession() as session:
        reads: dict[str, _Read] = {
            "`openai`, a typed object an event, over httpx2": lambda prompt: (
                _typed_events(typed, prompt)
            ),
            "`openai`, raw events, over httpx2": lambda prompt: over_httpx.stream(
                prompt, Timeline()
            ),
            "`openai`, raw events, over aiohttp (Foretype's)": lambda prompt: (
                over_aiohttp.stream(prompt, Timeline())
            ),
            "aiohttp without `openai`": lambda prompt: _plain_events(
                session, f"{base_url}/completions", prompt
            ),
        }
        found = await _read_in_turn(bench, reads)
    for client in (over_httpx, over_aiohttp, typed):
        await client.close()
    return found


async def _read_in_turn(
    bench: Bench, reads: Mapping[str, _Read]
) -> dict[str, tuple[str, str, str]]:
    # As long as the prompt of a large file.
    prompt = Prompt(max_tokens=N_CHUNKS, text="    return total\n" * 400)
    written: dict[str, list[int]] = {name: [] for name in reads}
    spent = {name: {N_CHUNKS: 0, 1: 0} for name in reads}
    for n_chunks, n in (
        (1, bench.scale.n_requests),
        (N_CHUNKS, bench.scale.n_streams),
    ):
        bench.endpoint.answer_with(_line_chunks()[:n_chunks], "stop")
        for read_idx in range(-2, n):
            for name, read in reads.items():
                before = time.process_time_ns()
                began_ns = time.perf_counter_ns()
                n_pieces = 0
                async with aclosing(read(prompt)) as pieces:
                    async for _ in pieces:
                        n_pieces += 1
                took = time.process_time_ns() - before
                assert n_pieces >= n_chunks
                (stamps,) = bench.endpoint.ended()
                # The first ones import, and connect.
                if read_idx >= 0:
                    spent[name][n_chunks] += took
                    if n_chunks == 1:
                        written[name].append(stamps["received_ns"] - began_ns)
    n_requests, n_streams = bench.scale.n_requests, bench.scale.n_streams
    return {
        name: (
            ms(p50(written[name])),
            us(spent[name][1] / n_requests),
            us(
                (spent[name][N_CHUNKS] / n_streams - spent[name][1] / n_requests)
                / (N_CHUNKS - 1)
            ),
        )
        for name in reads
    }


async def _typed_events(
    client: openai.AsyncOpenAI, prompt: Prompt
) -> AsyncIterator[object]:
    stream = await client.completions.create(
        model="qwen2.5-coder",
        prompt=prompt.text,
        max_tokens=prompt.max_tokens,
        stream=True,
    )
    async with stream:
        async for event in stream:
            yield event.choices[0].text


async def _plain_events(
    session: aiohttp.ClientSession, url: str, prompt: Prompt
) -> AsyncIterator[object]:
    body = {
        "model": "qwen2.5-coder",
        "prompt": prompt.text,
        "max_tokens": prompt.max_tokens,
        "stream": True,
    }
    async with session.post(url, json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                yield json.loads(line[len(b"data: ") :])["choices"][0]["text"]


def decoding(bench: Bench) -> Table:
    """What it takes to make a message of the hot path out of its JSON."""
    table = Table(
        "Decoding a `didChange`",
        ("what", "each", "to by hand"),
        prose.DECODING,
    )
    method = types.TEXT_DOCUMENT_DID_CHANGE
    document, _ = documents.with_lines(1, [], "")
    _, _, body = document.typed(Place(0, 0), "x").partition(b"\r\n\r\n")
    params = json.loads(body)["params"]
    converter = default_converter()
    decoders: dict[str, Callable[[], Any]] = {
        "JSON": lambda: json.loads(body),
        "by hand": lambda: lsp.HOT_PARAMS[method](params),
        "pygls' converter": lambda: converter.structure(
            params, types.DidChangeTextDocumentParams
        ),
    }
    n = 20 * bench.scale.n_requests
    took = {
        name: min(timeit.repeat(decode, number=n, repeat=5)) / n * 1e9
        for name, decode in decoders.items()
    }
    for name, value in took.items():
        table.add(name, us(value), times(value / took["by hand"]))
    return table


def bookkeeping(bench: Bench) -> Table:
    """What it costs to know afterwards where the time of a request went."""
    table = Table(
        "Stamping and counting",
        ("what", "each", "budget"),
        prose.BOOKKEEPING,
    )
    stats, records = Stats(), Records()
    document = mirror.Document("file:///a.py", "python", 1, "total = ")
    snapshot = document.snapshot(8, Settings(), mirror.View(100, 0))
    completion = Completion(1, "compute(a)", Source.MODEL)
    answer = Answer((completion,), None)

    def stamp() -> Timeline:
        timeline = Timeline()
        for stage in Stage:
            timeline.stamp(stage)
        return timeline

    def record() -> None:
        records.add(snapshot, stamp(), answer, is_invoked=False)

    timeline = stamp()

    def count() -> None:
        stats.count(Counted.ANSWERS, "model")
        stats.time("source: model", 12.5)
        for part, earlier, later in PARTS:
            stats.time(part, timeline.ms_between(earlier, later) or 0)
        for counted in (Counted.STREAMS, Counted.INPUT_TOKENS, Counted.OUTPUT_TOKENS):
            stats.count(counted, "model", 100)

    n = 20 * bench.scale.n_requests
    for name, do, is_budgeted in (
        ("every stage stamped, and the request recorded", record, True),
        ("counted, where the model was asked", count, False),
    ):
        took_ns = min(timeit.repeat(do, number=n, repeat=5)) / n * 1e9
        budget = verdict(took_ns, BOOKKEEPING, us) if is_budgeted else ""
        table.add(name, us(took_ns), budget)
    return table


# The report


def _against(value: float, budget: float) -> tuple[str, str]:
    """A time, and its budget with whether it keeps to it."""
    return ms(value), verdict(value, budget, ms)


def _texts(result: Any) -> list[str]:
    return [item["insertText"] for item in result["items"]]


def measure(scale: Scale, console: Console) -> list[Table]:
    """Every table, each printed as soon as it is there."""
    tables: list[Table] = []

    def keep(*made: Table) -> None:
        for table in made:
            table.print(console)
        tables.extend(made)

    keep(machine())
    with tempfile.TemporaryDirectory() as home, Endpoint() as endpoint:
        environment = {
            **clean_environment(home),
            "FORETYPE_ENDPOINT_BASE_URL": endpoint.base_url,
            "FORETYPE_ENDPOINT_MODEL": "qwen2.5-coder",
            # What nobody waits for would be in the numbers of what is waited for.
            "FORETYPE_COMPLETION_ASK_AHEAD": "false",
        }
        bench = Bench(scale, endpoint, environment)
        keep(memory(bench))
        keep(*asks(bench))
        keep(aborts(bench))
        keep(start(bench))
        keep(cpu(bench))
        keep(resident(bench))
        keep(backends(bench))
        keep(decoding(bench))
        keep(bookkeeping(bench))
    keep(sessions.measure(scale.sessions))
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the server's process.")
    parser.add_argument("--quick", action="store_true", help="a few keys of each")
    parser.add_argument("--write", action="store_true", help="write docs/latency.md")
    options = parser.parse_args()
    tables = measure(
        QUICK if options.quick else FULL, Console(width=max(Console().width, N_COLUMNS))
    )
    if options.write:
        parts = [prose.HEAD, *(table.markdown() for table in tables)]
        DOCUMENT.write_text("\n\n".join(map(str.strip, parts)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
