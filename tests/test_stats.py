"""What is counted, kept in a file and told by `foretype stats`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from html import escape
from math import ceil
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import pytest_asyncio
from hypothesis import given

import virtual_time
from fake_endpoint import Answer, FakeEndpoint
from foretype import stats_keeper, stats_page, stats_report, stats_store
from foretype.client import Client
from foretype.errors import ForetypeError, StatsError
from foretype.layers import Layer
from foretype.session import Session
from foretype.stats import (
    BUCKET_GROWTH,
    MAX_DETAIL_CHARS,
    Counted,
    CountRow,
    Delta,
    Part,
    Rows,
    Stats,
    TimeRow,
    bucket,
)
from foretype.stats_keeper import INTERVAL_S, Keeper
from foretype.stats_store import KEPT_DAYS, SCHEMA_VERSION, Store

GOLDEN = Path(__file__).with_name("stats")
TODAY = date(2026, 3, 9)


class Calendar:
    """A clock that says what day it is."""

    def __init__(self, today: date = TODAY) -> None:
        self.today = today

    def __call__(self) -> date:
        return self.today


def counted(n: float = 1, day: date = TODAY, detail: str = "python") -> Delta:
    stats = Stats(Calendar(day))
    stats.count(Counted.SHOWN, detail, n)
    return stats.take()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder that is not there yet."""
    return tmp_path / "state" / "foretype" / "stats.sqlite3"


# In memory


def test_what_is_taken_is_taken_once() -> None:
    stats = Stats(Calendar())
    assert not stats.has_news
    assert not stats.take()
    stats.count(Counted.SHOWN, "python")
    stats.count(Counted.SHOWN, "python")
    stats.count(Counted.INSERTED_CHARS, "python", 12)
    stats.time("source: model", 100)
    stats.time("source: model", 102)
    assert stats.has_news
    taken = stats.take()
    assert taken.counts == {
        (TODAY, Counted.SHOWN, "python"): 2,
        (TODAY, Counted.INSERTED_CHARS, "python"): 12,
    }
    assert list(taken.times.values()) == [(2, 202.0)]
    assert not stats.has_news
    assert not stats.take()


def test_each_day_is_counted_by_itself() -> None:
    calendar = Calendar(date(2026, 2, 28))
    stats = Stats(calendar)
    stats.count(Counted.SHOWN, "lua")
    stats.time("source: cache", 1)
    calendar.today = date(2026, 3, 1)
    stats.count(Counted.SHOWN, "lua")
    stats.time("source: cache", 1)
    taken = stats.take()
    assert [(str(day), n) for (day, _, _), n in taken.counts.items()] == [
        ("2026-02-28", 1),
        ("2026-03-01", 1),
    ]
    assert [str(day) for day, _, _ in taken.times] == ["2026-02-28", "2026-03-01"]


def test_what_is_put_back_is_taken_with_the_next_but_is_no_news() -> None:
    stats = Stats(Calendar())
    stats.count(Counted.SHOWN, "python")
    stats.time(Part.FIRST_TEXT, 50)
    stats.put_back(stats.take())
    assert not stats.has_news
    stats.count(Counted.SHOWN, "python", 2)
    stats.time(Part.FIRST_TEXT, 50)
    taken = stats.take()
    assert list(taken.counts.values()) == [3]
    assert list(taken.times.values()) == [(2, 100.0)]


def test_switched_off_nothing_is_counted_and_what_there_was_is_dropped() -> None:
    stats = Stats(Calendar())
    stats.count(Counted.SHOWN, "python")
    failed = stats.take()
    stats.count(Counted.SHOWN, "python")
    stats.switch(False)
    stats.count(Counted.SHOWN, "python")
    stats.time("source: model", 1)
    stats.put_back(failed)
    assert not stats.take()
    stats.switch(True)
    stats.count(Counted.SHOWN, "python")
    assert list(stats.take().counts.values()) == [1]


def test_nothing_is_no_news() -> None:
    stats = Stats(Calendar())
    stats.count(Counted.COST_USD, "m", 0.0)
    assert not stats.has_news


def test_a_name_is_of_limited_length() -> None:
    ((_, _, detail),) = counted(detail="x" * 1_000_000).counts
    assert len(detail) == MAX_DETAIL_CHARS


def test_the_session_switches_by_its_settings() -> None:
    session = Session([Layer("config.toml", {"stats": {"enabled": False}})])
    session.stats.count(Counted.SHOWN, "python")
    assert not session.stats.has_news
    session.configure(Layer("the editor", {"stats": {"enabled": True}}, "json"))
    session.stats.count(Counted.SHOWN, "python")
    assert session.stats.has_news


# Times


@given(st.lists(st.floats(0.02, 600_000), min_size=1, max_size=60))
def test_a_percentile_is_right_within_the_width_of_a_bucket(ms: list[float]) -> None:
    stats = Stats(Calendar())
    for each_ms in ms:
        stats.time("source: model", each_ms)
    rows = [
        TimeRow(TODAY.isoformat(), what, bucket, n, sum_ms)
        for (_, what, bucket), (n, sum_ms) in stats.take().times.items()
    ]
    report = stats_report.report(Rows((), sorted(rows)), TODAY)
    found = report.recent.times["source: model"]
    for share, said_ms in ((0.5, found.p50_ms), (0.95, found.p95_ms)):
        exact_ms = sorted(ms)[ceil(share * len(ms)) - 1]
        assert exact_ms / BUCKET_GROWTH < said_ms < exact_ms * BUCKET_GROWTH
    assert found.mean_ms == pytest.approx(sum(ms) / len(ms))


@pytest.mark.parametrize("ms", [0.0, -1.0, 1e12, float("inf")])
def test_an_impossible_time_is_counted_as_the_nearest(ms: float) -> None:
    stats = Stats(Calendar())
    stats.time("source: shown", ms)
    ((_, _, bucket),) = stats.take().times
    assert 0 <= bucket <= 200


# The file


def test_what_is_added_is_read_in_sum(path: Path) -> None:
    store = Store(path)
    assert store.read() == Rows()
    assert not path.parent.exists()
    stats = Stats(Calendar())
    for _ in range(2):
        stats.count(Counted.SHOWN, "python", 2)
        stats.count(Counted.COST_USD, "m", 0.25)
        stats.time(Part.FIRST_TEXT, 100)
        store.add(stats.take())
    assert store.read() == Rows(
        [
            CountRow("2026-03-09", "cost usd", "m", 0.5),
            CountRow("2026-03-09", "shown", "python", 4),
        ],
        [TimeRow("2026-03-09", "part: first text", bucket(100), 2, 200.0)],
    )


@pytest.mark.skipif(os.name != "posix", reason="Windows' folders are private")
def test_the_file_is_its_users_only(path: Path) -> None:
    previous = os.umask(0)
    try:
        Store(path).add(counted())
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


ADDING = """
import sys
from datetime import date
from pathlib import Path
from foretype.stats import Counted, Stats
from foretype import stats_store
from foretype.stats_store import Store
# On a machine that is busy with other things, too.
stats_store.BUSY_TIMEOUT_S = 60
stats = Stats(lambda: date(2026, 3, 9))
sys.stdin.read()
for _ in range(50):
    stats.count(Counted.SHOWN, "python")
    stats.time("source: model", 100)
    Store(Path(sys.argv[1])).add(stats.take())
"""


def test_several_servers_add_to_one_file_at_once(path: Path) -> None:
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", ADDING, str(path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for server in servers:
        assert server.stdin is not None
        server.stdin.close()
    for server in servers:
        assert server.stderr is not None
        with server.stderr:
            assert server.stderr.read() == b""
        assert server.wait(60) == 0
    rows = Store(path).read()
    assert [row.n for row in rows.counts] == [150]
    assert [(row.n, row.sum_ms) for row in rows.times] == [(150, 15_000.0)]


def test_days_of_long_ago_become_part_of_their_month(path: Path) -> None:
    store = Store(path)
    stats = Stats(calendar := Calendar())
    for n_days_ago in (450, 449, KEPT_DAYS + 1, KEPT_DAYS, 0):
        calendar.today = TODAY - timedelta(days=n_days_ago)
        stats.count(Counted.SHOWN, "python")
        stats.time("source: model", 100)
        store.add(stats.take())
    # Once more, and what is folded already stays as it is.
    store.add(counted())
    rows = store.read()
    assert [(row.period, row.n) for row in rows.counts] == [
        ("2024-12", 2),
        ("2025-02", 1),
        ("2025-02-02", 1),
        ("2026-03-09", 2),
    ]
    assert [(row.period, row.n, row.sum_ms) for row in rows.times] == [
        ("2024-12", 2, 200.0),
        ("2025-02", 1, 100.0),
        ("2025-02-02", 1, 100.0),
        ("2026-03-09", 1, 100.0),
    ]


def test_half_a_character_in_a_name_is_no_error(path: Path) -> None:
    Store(path).add(counted(detail="\ud800\x00'; DROP TABLE counts"))
    assert Store(path).read().counts[0].detail == "?\x00'; DROP TABLE counts"


def test_a_file_that_was_begun_only_is_empty(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    assert Store(path).read() == Rows()
    Store(path).add(counted())
    assert Store(path).read().counts[0].n == 1


def make_damaged(path: Path) -> None:
    path.write_bytes(b"This is no database. " * 100)


def make_torn(path: Path) -> None:
    Store(path).add(counted())
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


def make_of_other_tables(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE other (x)")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def make_newer(path: Path) -> None:
    Store(path).add(counted())
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def delete(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()


UNUSABLE = pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(make_damaged, "is damaged; delete it to start", id="damaged"),
        pytest.param(make_torn, "is damaged; delete it to start", id="torn"),
        pytest.param(
            make_of_other_tables, "is damaged; delete it to start", id="other tables"
        ),
        pytest.param(
            make_newer, "is of a newer version of Foretype; update this", id="newer"
        ),
        pytest.param(Path.mkdir, "cannot be used (", id="a folder"),
    ],
)


@UNUSABLE
def test_a_file_that_cannot_be_used_is_named_with_the_way_out(
    path: Path, make: Callable[[Path], None], says: str
) -> None:
    path.parent.mkdir(parents=True)
    make(path)
    for use in (Store(path).read, lambda: Store(path).add(counted())):
        with pytest.raises(StatsError) as raised:
            use()
        assert str(raised.value).startswith(f"{path} {says}")


def test_a_folder_that_cannot_be_made_is_an_error(path: Path) -> None:
    # Any user, root as well, fails to make a folder in a file.
    path.parent.parent.touch()
    with pytest.raises(StatsError, match="writable, or set stats"):
        Store(path).add(counted())
    assert Store(path).read() == Rows()


def test_a_file_that_somebody_locks_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(path).add(counted())
    monkeypatch.setattr(stats_store, "BUSY_TIMEOUT_S", 0.01)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        for use in (Store(path).read, lambda: Store(path).add(counted())):
            with pytest.raises(StatsError, match="is locked by another program"):
                use()
    assert Store(path).read().counts[0].n == 1


# The keeper


class AtOnce(ThreadPoolExecutor):
    """Runs what it is given at once, because virtual time waits for no thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Kept:
    """A keeper on virtual time, and when it has written what."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stats = Stats(Calendar())
        self.keeper = Keeper(self.stats, path)
        self.written: list[tuple[float, float]] = []
        self.loop = asyncio.get_running_loop()
        self.loop.set_default_executor(AtOnce())
        add = Store.add

        def noted(store: Store, delta: Delta) -> None:
            self.written.append((self.loop.time(), sum(delta.counts.values())))
            add(store, delta)

        monkeypatch.setattr(Store, "add", noted)
        self.keeper.start()


def test_what_comes_is_written_now_and_then_and_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        kept = Kept(path, monkeypatch)
        await asyncio.sleep(INTERVAL_S + 5)
        assert not kept.written
        kept.stats.count(Counted.SHOWN, "python", 3)
        await asyncio.sleep(5 * INTERVAL_S)
        kept.stats.count(Counted.SHOWN, "python", 4)
        await kept.keeper.close()
        assert kept.written == [(2 * INTERVAL_S, 3), (6 * INTERVAL_S + 5, 4)]

    virtual_time.run(play())
    assert Store(path).read().counts[0].n == 7


def test_where_nothing_comes_no_file_is_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        kept = Kept(path, monkeypatch)
        await asyncio.sleep(3_600)
        await kept.keeper.close()

    virtual_time.run(play())
    assert not path.parent.exists()


def test_switched_off_nothing_more_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        kept = Kept(path, monkeypatch)
        kept.stats.count(Counted.SHOWN, "python")
        await asyncio.sleep(INTERVAL_S + 5)
        kept.stats.count(Counted.SHOWN, "python")
        kept.stats.switch(False)
        kept.stats.count(Counted.SHOWN, "python")
        await asyncio.sleep(INTERVAL_S)
        await kept.keeper.close()
        assert kept.written == [(INTERVAL_S, 1)]

    virtual_time.run(play())


@UNUSABLE
def test_what_cannot_be_written_is_said_once_and_written_later(
    path: Path,
    make: Callable[[Path], None],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path.parent.mkdir(parents=True)
    make(path)

    async def play() -> None:
        kept = Kept(path, monkeypatch)
        kept.stats.count(Counted.SHOWN, "python")
        await asyncio.sleep(INTERVAL_S * 1.5)
        kept.stats.count(Counted.SHOWN, "python")
        # Once more with what is new, and then not again.
        await asyncio.sleep(INTERVAL_S * 9)
        assert [n for _, n in kept.written] == [1, 2]
        delete(path)
        await kept.keeper.close()

    with caplog.at_level(logging.INFO, "foretype"):
        virtual_time.run(play())
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"counts are not kept for now: {path} {says}" in record.getMessage()
    assert Store(path).read().counts[0].n == 2


def test_a_bug_does_not_end_the_keeper(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        kept = Kept(path, monkeypatch)
        with monkeypatch.context() as broken:
            # An error of Python's own that quotes a name.
            broken.setattr(stats_store, "_text", int)
            kept.stats.count(Counted.SHOWN, "planted", 9)
            await asyncio.sleep(INTERVAL_S * 1.5)
        kept.stats.count(Counted.SHOWN, "python")
        await kept.keeper.close()

    with caplog.at_level(logging.INFO, "foretype"):
        virtual_time.run(play())
    assert "counts could not be written: ValueError" in caplog.text
    assert "planted" not in caplog.text
    assert Store(path).read().counts[0].n == 1


def test_the_loop_does_not_wait_for_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    monkeypatch.setattr(
        Store, "add", lambda *_: threads.append(threading.current_thread())
    )

    async def play() -> None:
        stats = Stats()
        keeper = Keeper(stats, path)
        keeper.start()
        stats.count(Counted.SHOWN, "python")
        await keeper.close()

    asyncio.run(play())
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_the_server_starts_without_sqlite() -> None:
    code = "import sys, foretype.server; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# What is told


def fill(path: Path, today: date = TODAY) -> None:
    """Counts of four days: long ago, two weeks ago, yesterday and today."""
    store, calendar = Store(path), Calendar()
    stats = Stats(calendar)
    for n_days_ago, n in ((500, 8), (14, 4), (1, 2), (0, 1)):
        calendar.today = today - timedelta(days=n_days_ago)
        for language, n_more in (("python", n), ("typescript", 1)):
            stats.count(Counted.SHOWN, language, 40 * n_more)
            stats.count(Counted.ACCEPTED, language, 10 * n_more)
            stats.count(Counted.PARTLY_ACCEPTED, language, 2 * n_more)
            stats.count(Counted.TYPED, language, 5 * n_more)
            stats.count(Counted.REJECTED, language, 20)
            stats.count(Counted.INSERTED_CHARS, language, 321 * n_more)
            stats.count(Counted.KEPT_30_S, language, 9 * n_more)
            stats.count(Counted.GONE_30_S, language, n_more)
            stats.count(Counted.KEPT_5_MIN, language, 7 * n_more)
            stats.count(Counted.GONE_5_MIN, language, 3 * n_more)
        for source, ms in (("shown", 0.2), ("in flight", 63), ("model", 188)):
            stats.count(Counted.ANSWERS, source, 10 * n)
            for i in range(10 * n):
                stats.time(f"source: {source}", ms * (1 + i / 20))
        for part, ms in zip(Part, (0.2, 0.4, 0.1, 0.2, 140, 1, 46, 0.3), strict=True):
            stats.time(part, ms)
        stats.count(Counted.STREAMS, "codestral-2508", 30 * n)
        stats.count(Counted.INPUT_TOKENS, "codestral-2508", 45_000 * n)
        stats.count(Counted.OUTPUT_TOKENS, "codestral-2508", 900 * n)
        if n_days_ago < 10:
            stats.count(Counted.COST_USD, "codestral-2508", 0.0143 * n)
        store.add(stats.take())


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("report.txt", stats_report.as_text),
        ("report.json", stats_report.as_json),
        ("page.html", stats_page.render),
    ],
)
def test_what_is_told(
    name: str,
    render: Callable[[stats_report.Report], str],
    path: Path,
    update_golden: bool,
) -> None:
    fill(path)
    told = render(stats_report.report(Store(path).read(), TODAY)) + "\n"
    if update_golden:
        (GOLDEN / name).write_text(told, "utf-8", newline="\n")
    assert (GOLDEN / name).read_text("utf-8") == told


def test_nothing_has_all_the_same_names() -> None:
    empty = json.loads(stats_report.as_json(stats_report.report(Rows(), TODAY)))
    golden = json.loads((GOLDEN / "report.json").read_text("utf-8"))
    assert empty.keys() == golden.keys()
    assert empty["today"].keys() == golden["today"].keys()
    assert empty["since"] is None
    assert "None yet." in stats_page.render(stats_report.report(Rows(), TODAY))


def test_today_goes_with_the_calendar() -> None:
    rows = Rows([CountRow("2026-03-02", "shown", "python", 5)])
    for today, seen in (
        (date(2026, 3, 2), [5, 5, 5]),
        (date(2026, 3, 8), [0, 5, 5]),
        (date(2026, 3, 9), [0, 0, 5]),
    ):
        report = stats_report.report(rows, today)
        assert [t.n(Counted.SHOWN) for t in report.spans.values()] == seen


def test_what_is_taken_back_is_never_less_than_nothing() -> None:
    rows = Rows(
        [
            CountRow("2026-03-08", "typed through", "python", 1),
            CountRow("2026-03-09", "typed through", "python", -1),
        ]
    )
    report = stats_report.report(rows, TODAY)
    assert [t.n(Counted.TYPED) for t in report.spans.values()] == [0, 0, 0]


def test_what_a_newer_version_counts_is_left_out() -> None:
    report = stats_report.report(
        Rows(
            [CountRow("2026-03-09", "some novelty", "x", 1)],
            [TimeRow("2026-03-09", "some novelty", 0, 1, 1.0)],
        ),
        TODAY,
    )
    assert "novelty" not in stats_report.as_text(report) + stats_page.render(report)


HOSTILE = "<script src=http://x/>\"'&</style>@import"


@pytest.mark.parametrize("language", ["python", HOSTILE])
def test_the_page_loads_nothing_and_runs_nothing(language: str) -> None:
    rows = Rows(
        [CountRow("2026-03-09", name.value, language, 5) for name in Counted],
        [TimeRow("2026-03-09", f"source: {language}", 9, 1, 1.0)],
    )
    page = stats_page.render(stats_report.report(rows, TODAY))
    assert escape(language) in page
    page = page.replace(escape(language), "")
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script|<link", page, re.I)
    tags = set(re.findall(r"<([a-z0-9]+)", page.partition("<body>")[2]))
    known = "h1 h2 p main section table thead tbody tr th td div i span"
    assert tags <= {*known.split()}


# The command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user who has set nothing, for the processes of a test."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "foretype", "stats", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def check_run(*arguments: str) -> str:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_command_says_how_counting_begins(home: Path) -> None:
    for arguments in ((), ("--html",)):
        said = check_run(*arguments)
        assert said.startswith("Nothing is counted yet: that begins by itself")
        assert said.count("\n") == 1
    assert json.loads(check_run("--json"))["all_time"]["shown"] == 0
    assert not list(home.rglob("stats*"))


def test_the_command_says_that_counting_is_off(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORETYPE_STATS_ENABLED", "false")
    assert check_run() == (
        "Nothing is counted, because stats.enabled is false; set it to true to begin.\n"
    )


def test_the_command_tells_what_was_counted(home: Path) -> None:
    path = stats_keeper.default_file()
    assert home in path.parents
    fill(path, date.today())
    said = check_run()
    assert re.search(r"^  shown +80 +200 +760$", said, re.M)
    assert said.endswith(f", in {path}\n")
    numbers = json.loads(check_run("--json"))
    assert [numbers[span]["shown"] for span in ("today", "7_days", "all_time")] == [
        80,
        200,
        760,
    ]

    page = home / "cache" / "foretype" / "stats.html"
    assert check_run("--html") == f"{page}\n"
    named = home / "here.html"
    assert check_run("--html", str(named)) == f"{named}\n"
    assert named.read_text("utf-8") == page.read_text("utf-8")
    assert named.read_text("utf-8").endswith("</html>\n")


@UNUSABLE
def test_the_command_says_in_one_line_what_is_wrong(
    home: Path, make: Callable[[Path], None], says: str
) -> None:
    path = stats_keeper.default_file()
    path.parent.mkdir(parents=True)
    make(path)
    done = run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"foretype: {path} {says}")
    assert done.stderr.count("\n") == 1


def test_a_page_that_cannot_be_written_is_one_line(home: Path) -> None:
    fill(stats_keeper.default_file(), date.today())
    done = run("--html", str(home / "none" / "page.html"))
    assert done.returncode == 1
    assert re.fullmatch(r"foretype: .*page.html cannot be written: .*\n", done.stderr)


# The server's process


async def served(endpoint: FakeEndpoint, *, is_enabled: bool) -> list[tuple[str, Any]]:
    """What a server sends of which a suggestion is accepted, up to its end."""
    settings = {
        "endpoint": {
            "baseUrl": endpoint.base_url,
            "model": "codestral-2508",
            "template": "suffix",
            "usdPerMillionInputTokens": 0.3,
            "usdPerMillionCachedTokens": 0.03,
            "usdPerMillionOutputTokens": 0.9,
        },
        "stats": {"enabled": is_enabled},
        # It says that it does not know this one, once it uses the others.
        "unknown": 1,
    }
    uri = "file:///home/me/area.py"
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "x = "}
    at = {"line": 0, "character": 4}
    async with Client(settings=settings) as client:
        await client.initialize()
        while (await client.notification())[0] != "window/showMessage":
            pass
        client.notify("textDocument/didOpen", {"textDocument": document})
        asked = {
            "textDocument": {"uri": uri},
            "position": at,
            "context": {"triggerKind": 2},
        }
        answer = await client.request("textDocument/inlineCompletion", asked)
        (item,) = answer["items"]
        change = {"range": {"start": at, "end": at}, "text": item["insertText"]}
        changed = {"uri": uri, "version": 2}
        client.notify(
            "textDocument/didChange",
            {"textDocument": changed, "contentChanges": [change]},
        )
        command = {k: v for k, v in item["command"].items() if k != "title"}
        await client.request("workspace/executeCommand", command)
        process = client._process
    assert process.returncode == 0
    said = []
    with contextlib.suppress(ForetypeError):
        while True:
            said.append(await client.notification())
    return said


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer(("math", ".pi"), usage=(1_000, 2, 600))) as endpoint:
        yield endpoint


@pytest.mark.asyncio
async def test_what_happens_in_an_editor_is_counted(
    home: Path, endpoint: FakeEndpoint
) -> None:
    await served(endpoint, is_enabled=True)
    path = stats_keeper.default_file()
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        tables = db.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    assert tables == [("counts",), ("times",)]
    rows = Store(path).read()
    counts = {(row.name, row.detail): row.n for row in rows.counts}
    assert counts == {
        ("accepted", "python"): 1,
        ("answers", "model"): 1,
        ("cost usd", "codestral-2508"): pytest.approx(
            (400 * 0.3 + 600 * 0.03 + 2 * 0.9) / 1e6
        ),
        ("input tokens", "codestral-2508"): 1_000,
        ("inserted chars", "python"): 7,
        ("output tokens", "codestral-2508"): 2,
        ("shown", "python"): 1,
        ("streams", "codestral-2508"): 1,
    }
    assert {row.what for row in rows.times} == {"source: model", *Part}
    assert re.search(r"characters inserted +7 ", check_run())


@pytest.mark.asyncio
async def test_switched_off_no_file_is_left(home: Path, endpoint: FakeEndpoint) -> None:
    await served(endpoint, is_enabled=False)
    assert not stats_keeper.default_file().exists()


@pytest.mark.asyncio
async def test_a_server_of_which_nothing_is_asked_leaves_no_file(home: Path) -> None:
    async with Client() as client:
        await client.initialize()
    assert not stats_keeper.default_file().exists()


@pytest.mark.asyncio
async def test_a_server_goes_on_without_a_file(
    home: Path, endpoint: FakeEndpoint
) -> None:
    path = stats_keeper.default_file()
    path.parent.mkdir(parents=True)
    make_damaged(path)
    said = await served(endpoint, is_enabled=True)
    messages = [params["message"] for m, params in said if m == "window/logMessage"]
    (message,) = [message for message in messages if "counts" in message]
    assert message.startswith(f"Foretype: counts are not kept for now: {path} is dam")
