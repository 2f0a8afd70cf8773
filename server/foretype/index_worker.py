"""The child process that reads a workspace: `python -m foretype.index_worker`.

It reads one line of JSON from its standard input (`Request`), goes through the folders
named there, and writes what the files define to its standard output, as lines of JSON
(`Report`). What it has read it keeps in a cache on disk, so that the next one reads
only what has changed. After that it does what further lines ask for (`Order`), until
its input ends, which it does however the parent dies. `indexer` is the parent's side.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import stat
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from foretype import index_cache
from foretype.definition_store import DefinitionStore, Stamp
from foretype.definitions import Definition, definitions, language_of
from foretype.exclusions import Exclusions
from foretype.index_files import (
    can_be_written,
    is_skipped,
    nearest_first,
    outermost,
    stamp_of,
    text_of,
)

# Of one folder of a workspace: 100,000 files take 100 to 200 MB.
MAX_CACHE_BYTES = 512 * 2**20

# What the parent takes in in about a millisecond.
MAX_REPORT_CHARS = 10_000
# News are sent after so long at the latest.
MAX_REPORT_AGE_S = 0.2
# After the first pass: for each second of work so many of rest, a quarter of a core.
REST = 3
# The lowest priority there is.
NICENESS = 19
# A change of one of these is one of its folder.
IGNORE_FILES = (".gitignore", ".foretypeignore")
# Files that are looked at for one name that is asked for.
MAX_WANTED = 3


class Request(TypedDict):
    """What the parent asks for; `near` are files that are open."""

    folders: list[str]
    near: list[str]
    cache_folder: str
    max_files: int
    is_careful: bool
    """Whether the last worker has died, perhaps of a file."""


class Order(TypedDict, total=False):
    """What the parent asks for later, one at a time."""

    changed: list[str]
    """Files and folders that are new, different or gone."""
    wanted: list[str]
    """Names whose definitions the parent has no room for until they are used."""
    near: str
    """The file they are used in."""
    enough: bool
    """There is no room for more than is asked for."""


class Report(TypedDict, total=False):
    """What is told to the parent, one at a time."""

    files: list[tuple[str, list[tuple[str, str, int, str]]]]
    """Paths, and of each definition its name, kind, line and text."""
    asked: bool
    """Whether they are needed, or only what comes next in the pass."""
    gone: list[str]
    note: str
    passed: Passed
    crash: str


class Passed(TypedDict):
    """What a pass over the workspace has come to."""

    n_files: int
    n_parsed: int


def main() -> None:
    """Serves the parent until standard input ends."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    request: Request = json.loads(line)
    # On Windows, the parent sees to it.
    if sys.platform != "win32":
        os.nice(NICENESS)
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders,), daemon=True).start()
    try:
        Worker(request, orders, _write).run()
    except BrokenPipeError:
        # The parent is gone. Nothing may be flushed to it.
        os._exit(0)
    except Exception as error:
        if index_cache.is_damage(error):
            index_cache.delete(Path(request["cache_folder"]), request["folders"])
        # A message of Python's own may quote the text of a file.
        frames = "".join(traceback.format_tb(error.__traceback__))
        _write({"crash": f"{type(error).__name__}\n{frames}"})
        sys.exit(1)


def _read_orders(orders: queue.SimpleQueue[Order]) -> None:
    for line in sys.stdin.buffer:
        orders.put(json.loads(line))
    # Not `sys.exit`, which would end only this thread.
    os._exit(0)


def _write(report: Report) -> None:
    text = json.dumps(report, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass") + b"\n")
    sys.stdout.buffer.flush()


class Worker:
    """Reads a workspace and follows it."""

    def __init__(
        self,
        request: Request,
        orders: queue.SimpleQueue[Order],
        write: Callable[[Report], None],
    ) -> None:
        self._request = request
        self._orders = orders
        self._write = write
        self._exclusions = Exclusions(map(Path, request["folders"]))
        cache = Path(request["cache_folder"])
        self._stores = index_cache.opened(cache, outermost(request["folders"]))
        # Paths to look at again, the oldest first.
        self._changed: dict[str, None] = {}
        self._is_enough = False
        self._is_resting = False
        self._n_files = 0
        self._n_parsed = 0
        # What is to be sent, and since when; what is to be stored.
        self._files: list[tuple[str, list[tuple[str, str, int, str]]]] = []
        self._n_chars = 0
        self._sent_s = time.monotonic()
        self._unstored: list[tuple[Path, list[Definition], Stamp]] = []

    def run(self) -> None:
        """Goes through the workspace, then does what is asked for, without end."""
        self.go_through()
        # What was asked for meanwhile.
        self.follow({})
        while True:
            self.follow(self._orders.get())

    def go_through(self) -> None:
        """Takes in what has changed since the cache was written."""
        seen: set[str] = set()
        is_whole = True
        for folder in self._request["folders"]:
            if not (store := self._store_of(Path(folder))):
                continue
            for start in nearest_first(Path(folder), self._request["near"]):
                if str(start) == folder or self._may_read(start):
                    is_whole = is_whole and self._walk(start, store, seen)
        self._flush()
        if is_whole:
            self._forget_folders(seen)
        else:
            self._write({"note": self._why_stopped()})
        self._is_resting = True
        passed: Passed = {"n_files": self._n_files, "n_parsed": self._n_parsed}
        self._write({"passed": passed})

    def follow(self, order: Order) -> None:
        """Does what is asked for, and what is asked for meanwhile."""
        self._take_order(order)
        while self._changed:
            path = next(iter(self._changed))
            del self._changed[path]
            self._look_again(Path(path))
            self._take_orders()
        self._flush()

    def _take_orders(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._take_order(self._orders.get_nowait())

    def _take_order(self, order: Order) -> None:
        self._is_enough = self._is_enough or order.get("enough", False)
        self._changed.update(dict.fromkeys(order.get("changed", ())))
        if names := order.get("wanted"):
            with self._rested():
                self._send_wanted(names, Path(order["near"]))

    @contextlib.contextmanager
    def _rested(self) -> Iterator[None]:
        """Rests after work, once the first pass is over."""
        before_s = time.process_time()
        yield
        if self._is_resting:
            time.sleep(REST * (time.process_time() - before_s))

    def _walk(self, start: Path, store: DefinitionStore, seen: set[str]) -> bool:
        """Takes in the files below a folder; whether there was room for all."""
        folders = [start]
        while folders:
            folder = folders.pop()
            if str(folder) in seen:
                continue
            seen.add(str(folder))
            files, inner = self._entries(folder)
            folders += reversed(inner)
            has_room = self._take_folder(folder, files, store)
            if not has_room or store.n_bytes > MAX_CACHE_BYTES:
                return False
        return True

    def _entries(self, folder: Path) -> tuple[dict[str, Stamp], list[Path]]:
        """The files of a folder that may be read, and the folders in it."""
        files: dict[str, Stamp] = {}
        inner: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return {}, []
        if any(entry.name == "pyvenv.cfg" for entry in listed):
            return {}, []
        for entry in listed:
            path = folder / entry.name
            try:
                # NB: A link is not followed: it may lead out, or in a circle.
                if entry.is_dir(follow_symlinks=False):
                    if not is_skipped(entry.name) and self._may_read(path):
                        inner.append(path)
                elif (
                    language_of(path)
                    and entry.is_file(follow_symlinks=False)
                    and (stamp := stamp_of(entry.stat(follow_symlinks=False)))
                    and self._may_read(path)
                ):
                    files[entry.name] = stamp
            except OSError:
                continue
        return files, inner

    def _may_read(self, path: Path) -> bool:
        return can_be_written(str(path)) and self._exclusions.why(path) is None

    def _take_folder(
        self, folder: Path, files: dict[str, Stamp], store: DefinitionStore
    ) -> bool:
        """Takes in the files of a folder; whether there was room for all."""
        known = store.stamps(folder)
        for name, stamp in files.items():
            if self._n_files >= self._request["max_files"]:
                return False
            self._n_files += 1
            path = folder / name
            with self._rested():
                if known.pop(name, None) == stamp:
                    if not self._is_enough:
                        self._send(path, store.definitions(path))
                else:
                    self._read(path, stamp)
            self._take_orders()
        for name in known:
            self._drop(folder / name, store)
        return True

    def _look_again(self, path: Path) -> None:
        """Follows a change of a file or folder, whatever it was."""
        if path.name in IGNORE_FILES:
            self._exclusions.refresh(path)
            path = path.parent
        store = self._store_of(path)
        if store is None:
            return
        try:
            status = path.lstat()
        except OSError:
            with self._rested():
                for file in [path, *store.files_below(path)]:
                    self._drop(file, store)
            return
        if stat.S_ISDIR(status.st_mode):
            if not is_skipped(path.name) and self._may_read(path):
                self._walk(path, store, set())
            return
        with self._rested():
            if (
                stat.S_ISREG(status.st_mode)
                and language_of(path)
                and self._may_read(path)
                and (stamp := stamp_of(status))
            ):
                self._read(path, stamp)
            else:
                self._drop(path, store)

    def _read(self, path: Path, stamp: Stamp) -> None:
        """Takes in what a file defines now."""
        found: list[Definition] = []
        text = text_of(path)
        if text:
            language, store = language_of(path), self._store_of(path)
            assert language and store
            if self._request["is_careful"]:
                # If reading it ends this process, the next one leaves it alone.
                self._flush()
                with store.transaction():
                    store.put(path, [], stamp)
            self._n_parsed += 1
            found = definitions(text, language)
        self._unstored.append((path, found, stamp))
        if not self._is_enough or self._is_resting:
            self._send(path, found)
        elif len(self._unstored) >= 100:
            self._flush()

    def _send(self, path: Path, found: Sequence[Definition]) -> None:
        rows = [(d.name, d.kind.value, d.line_idx, d.text) for d in found]
        self._files.append((str(path), rows))
        self._n_chars += sum(len(d.text) + 40 for d in found) + 40
        if (
            self._n_chars > MAX_REPORT_CHARS
            or time.monotonic() - self._sent_s > MAX_REPORT_AGE_S
        ):
            self._flush()

    def _flush(self, *, is_asked: bool = False) -> None:
        """Stores and sends what has come together."""
        # All at once, as another server with this workspace has to wait for it.
        for store in self._stores.values():
            mine = [u for u in self._unstored if self._store_of(u[0]) is store]
            if mine:
                with store.transaction():
                    for path, found, stamp in mine:
                        store.put(path, found, stamp)
        self._unstored = []
        if self._files:
            is_asked = is_asked or self._is_resting
            self._write({"files": self._files, "asked": is_asked})
        self._files = []
        self._n_chars = 0
        self._sent_s = time.monotonic()

    def _drop(self, path: Path, store: DefinitionStore) -> None:
        self._flush()
        if store.remove(path):
            self._write({"gone": [str(path)]})

    def _forget_folders(self, seen: set[str]) -> None:
        """Drops what is in the cache and in no folder any more."""
        for store in self._stores.values():
            for folder in store.folders():
                if folder not in seen:
                    for name in store.stamps(Path(folder)):
                        self._drop(Path(folder, name), store)

    def _send_wanted(self, names: Sequence[str], near: Path) -> None:
        """Sends the files that define names best, for use in a file."""
        self._flush()
        for store in self._stores.values():
            paths = {found.path for found in store.lookup(names, near, MAX_WANTED)}
            for path in sorted(paths):
                self._send(path, store.definitions(path))
        self._flush(is_asked=True)

    def _store_of(self, path: Path) -> DefinitionStore | None:
        """The store of the folder that a path is in, unless it is left out there."""
        for folder, store in self._stores.items():
            if path.is_relative_to(folder):
                parts = path.relative_to(folder).parts
                return None if any(map(is_skipped, parts[:-1])) else store
        return None

    def _why_stopped(self) -> str:
        if self._n_files >= self._request["max_files"]:
            return f"only the first {self._n_files} files of the workspace are known"
        return "only a part of the workspace is known, as its index has become too big"


if __name__ == "__main__":
    main()
