"""What `foretype doctor` says of an endpoint that is well, and of one that is not."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from fake_endpoint import Answer, FakeEndpoint, Pause
from foretype import doctor, measuring, probe
from foretype.diagnosis import Check, Outcome, Row
from foretype.errors import Unreachable
from foretype.layers import Layer, resolve
from foretype.route import Route
from foretype.route import resolve as resolve_name

KEY = "planted-key-of-the-doctor"
LINE = Answer(("one", " + two"), usage=(40, 4))
CACHED = Answer(("row", "[-1]"), usage=(1_500, 4, 1_408))
NOT_FOUND = Answer(status=404, body='{"error": {"message": "no such model"}}')
REFUSED = Answer(status=401, body='{"error": {"message": "bad key"}}')


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCTORS_KEY", KEY)
    # However busy the machine is, nothing is late unless a test says so.
    for limit in ("SLOW_TTFT_MS", "MEASURING_BUDGET_S", "LEFT_MARGIN_MS"):
        monkeypatch.setattr(measuring, limit, float("inf"))


async def examined(tmp_path: Path, **endpoint: Any) -> dict[Check, Row]:
    """The rows, in order, for settings that a person has made."""
    given = {"model": "qwen2.5-coder", "api_key_env": "DOCTORS_KEY", **endpoint}
    settings, problems = resolve([Layer("config.toml", {"endpoint": given})])
    rows = doctor.examine(settings, problems, tmp_path / "config.toml")
    found = {row.check: row async for row in rows}
    assert KEY not in repr(found)
    assert list(found) == list(Check)
    return found


def outcomes(rows: dict[Check, Row]) -> list[str]:
    return [row.outcome.value for row in rows.values()]


@pytest.mark.asyncio
async def test_all_is_well(tmp_path: Path) -> None:
    models = ("qwen2.5-coder", "other")
    async with FakeEndpoint(LINE, models=models) as endpoint:
        endpoint.script += [LINE] * (2 + measuring.N_REQUESTS + 1)
        endpoint.script.append(CACHED)
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert outcomes(rows) == ["ok"] * len(Check)
    assert rows[Check.KEY].seen == "DOCTORS_KEY is set"
    assert rows[Check.MODEL].seen == (
        "qwen2.5-coder answers, and is one of 2 that are listed"
    )
    assert "by the markers of qwen, and goes on from 'return' with 'one + two'" in (
        rows[Check.FIM].seen
    )
    assert f"p50 of {measuring.N_REQUESTS}" in rows[Check.SPEED].seen
    assert "1,408 of 1,500 tokens from the cache" in rows[Check.CACHE].seen
    # What was found is known to the server as well.
    assert "qwen2.5-coder" not in probe.default_file().read_text("utf-8")
    assert all(r.headers["authorization"] == f"Bearer {KEY}" for r in endpoint.requests)


@pytest.mark.asyncio
async def test_a_dead_port(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        rows = await examined(tmp_path, base_url=f"http://127.0.0.1:{port}/v1")
    assert outcomes(rows) == ["ok", "ok", "ok", "failed", *["skipped"] * 5]
    row = rows[Check.CONNECTION]
    assert row.seen == f"nothing answers at 127.0.0.1:{port} (connection refused)"
    assert row.way_out == ("start the server, or correct the port in endpoint.base_url")


@pytest.mark.asyncio
async def test_a_wrong_key(tmp_path: Path) -> None:
    async with FakeEndpoint(REFUSED) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert outcomes(rows) == [*["ok"] * 4, "failed", *["skipped"] * 4]
    assert rows[Check.MODEL].seen.endswith("refused the API key (HTTP 401)")
    assert "the variable DOCTORS_KEY" in rows[Check.MODEL].way_out


@pytest.mark.asyncio
async def test_no_key_where_one_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCTORS_KEY")
    async with FakeEndpoint() as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url, needs_api_key=True)
        assert endpoint.requests == []
    # What is between here and there is looked at all the same.
    assert outcomes(rows) == ["ok", "failed", "ok", "ok", *["skipped"] * 5]
    assert rows[Check.KEY].seen == "DOCTORS_KEY is not set"
    assert "set DOCTORS_KEY to your key for 127.0.0.1" in rows[Check.KEY].way_out


@pytest.mark.asyncio
async def test_a_command_that_prints_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCTORS_KEY")
    rows = await examined(
        tmp_path, base_url="http://127.0.0.1:9/v1", api_key_command=["/no/such/vault"]
    )
    assert rows[Check.KEY].outcome is Outcome.FAILED
    assert "cannot run '/no/such/vault'" in rows[Check.KEY].seen


@pytest.mark.asyncio
async def test_a_model_that_is_gone(tmp_path: Path) -> None:
    models = ("qwen3-coder-30b", "qwen2.5-coder-7b", "llama")
    async with FakeEndpoint(NOT_FOUND, models=models) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert outcomes(rows) == [*["ok"] * 4, "failed", *["skipped"] * 4]
    assert "knows no model 'qwen2.5-coder'" in rows[Check.MODEL].seen
    assert "the nearest that it has: qwen2.5-coder-7b" in rows[Check.MODEL].way_out


@pytest.mark.asyncio
async def test_another_model_that_answers(tmp_path: Path) -> None:
    async with FakeEndpoint(LINE, models=("served",)) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert rows[Check.MODEL].outcome is Outcome.WARNING
    assert "is not listed" in rows[Check.MODEL].seen
    assert rows[Check.MODEL].way_out == "the endpoint lists served"


@pytest.mark.parametrize("is_probing", [True, False])
@pytest.mark.asyncio
async def test_an_endpoint_that_only_chats(tmp_path: Path, is_probing: bool) -> None:
    async with FakeEndpoint(
        lambda request: NOT_FOUND if request.path == "/v1/completions" else LINE
    ) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url, probe=is_probing)
    row = rows[Check.FIM]
    assert row.seen.startswith("the model is told the text after the cursor in a chat")
    if is_probing:
        assert (row.outcome, row.way_out) == (Outcome.OK, "")
    else:
        # The server would not find that out.
        assert row.outcome is Outcome.WARNING
        assert row.way_out == 'set endpoint.wire to "chat", or endpoint.probe to true'


@pytest.mark.asyncio
async def test_a_model_of_no_known_family(tmp_path: Path) -> None:
    async with FakeEndpoint(LINE) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url, model="unheard-of")
    assert rows[Check.FIM].outcome is Outcome.WARNING
    assert "endpoint.template" in rows[Check.FIM].way_out


@pytest.mark.asyncio
async def test_a_slow_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SLOW_TTFT_MS", 20.0)
    monkeypatch.setattr(measuring, "MEASURING_BUDGET_S", 0.0)
    slow = Answer(("one", " + two"), before=(Pause(30),))
    async with FakeEndpoint(slow) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert rows[Check.SPEED].outcome is Outcome.WARNING
    # It is slow enough for one to tell.
    assert "p50 of 1," in rows[Check.SPEED].seen


@pytest.mark.asyncio
async def test_an_endpoint_that_waits_for_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any time is later than this.
    monkeypatch.setattr(measuring, "LEFT_FACTOR", 0.0)
    monkeypatch.setattr(measuring, "LEFT_MARGIN_MS", float("-inf"))
    async with FakeEndpoint(LINE) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    row = rows[Check.ABORT]
    assert row.outcome is Outcome.WARNING
    assert "later than the" in row.seen
    assert "whether leaving ends the bill" not in row.seen


@pytest.mark.asyncio
async def test_a_limit_while_it_is_measured(tmp_path: Path) -> None:
    limit = Answer(status=429, body="{}")
    async with FakeEndpoint(limit) as endpoint:
        endpoint.script += [LINE] * (2 + measuring.MIN_REQUESTS)
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert rows[Check.SPEED].outcome is Outcome.WARNING
    assert "limits the rate of requests (HTTP 429)" in rows[Check.SPEED].seen
    assert rows[Check.CACHE].outcome is Outcome.WARNING


@pytest.mark.asyncio
async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with FakeEndpoint(LINE, tls=context) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
        assert endpoint.requests == []
    row = rows[Check.CONNECTION]
    assert row.outcome is Outcome.FAILED
    assert "has a certificate that this machine does not trust (" in row.seen
    assert "SSL_CERT_FILE" in row.way_out
    assert outcomes(rows)[4:] == ["skipped"] * 5


@pytest.mark.asyncio
async def test_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with FakeEndpoint(LINE, tls=context) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert rows[Check.CONNECTION].outcome is Outcome.OK
    assert "with a certificate that is trusted" in rows[Check.CONNECTION].seen
    assert rows[Check.MODEL].outcome is Outcome.OK


@pytest.mark.asyncio
async def test_a_certificate_of_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    async with FakeEndpoint(LINE, tls=context) as endpoint:
        rows = await examined(tmp_path, base_url=endpoint.base_url)
    assert "use the name that the certificate is for" in rows[Check.CONNECTION].way_out


@pytest.mark.asyncio
async def test_tls_to_what_speaks_none(tmp_path: Path) -> None:
    async with FakeEndpoint(LINE) as endpoint:
        url = endpoint.base_url.replace("http:", "https:")
        rows = await examined(tmp_path, base_url=url)
    assert rows[Check.CONNECTION].outcome is Outcome.FAILED


@pytest.mark.asyncio
async def test_a_host_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    route = Route.of("https://foretype.invalid/v1")
    assert (route.port, route.is_tls) == (443, True)
    with pytest.raises(Unreachable, match=r"'foretype\.invalid'.*endpoint\.base_url"):
        await resolve_name(route)


def test_a_proxy_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert Route.of("https://h.example/v1").name == "the proxy proxy.example:3128"
    assert Route.of("https://inside.example/v1").name == "inside.example:443"
    assert Route.of("https://127.0.0.1/v1").name == "127.0.0.1:443"


@pytest.mark.asyncio
async def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    rows = await examined(tmp_path, base_url="ftp://h/v1", wire="morse")
    assert outcomes(rows) == ["failed", *["skipped"] * 8]
    assert "endpoint.wire must be one of" in rows[Check.SETTINGS].way_out
    assert "endpoint.base_url must be a URL" in rows[Check.SETTINGS].way_out


def command(
    tmp_path: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    folders = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "STATE")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "foretype", "doctor", *arguments],
        env={**os.environ, **folders, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_command_is_a_table_and_an_exit_status(tmp_path: Path) -> None:
    dead = {
        "FORETYPE_ENDPOINT_BASE_URL": "http://127.0.0.1:9/v1",
        "FORETYPE_ENDPOINT_MODEL": "m",
    }
    done = command(tmp_path, **dead)
    assert (done.returncode, done.stderr) == (1, "")
    assert "connection          failed   nothing answers at 127.0.0.1:9" in done.stdout
    assert "-> start the server" in done.stdout
    done = command(tmp_path, "--json", **dead)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["has_failed"] is True
    assert [row["check"] for row in told["checks"]] == [c.value for c in Check]


def test_the_built_in_model(tmp_path: Path, built_in_cache: Path) -> None:
    done = command(
        tmp_path,
        "--json",
        XDG_CACHE_HOME=str(built_in_cache),
        FORETYPE_ENDPOINT_TIMEOUT_MS="120000",
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["check"]: row for row in json.loads(done.stdout)["checks"]}
    assert list(rows) == [
        c.value for c in Check if c not in (Check.KEY, Check.NAME, Check.CONNECTION)
    ]
    assert "gemma-3-270m was ready" in rows["model"]["seen"]
    assert "tokens/s" in rows["speed"]["seen"]
    assert "tokens from the cache" in rows["cache"]["seen"]
