"""The replay of recorded typing: what it plays, what its model knows, how it scores."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "bench"
sys.path.insert(0, str(BENCH))

import future  # noqa: E402
import page  # noqa: E402
import peers  # noqa: E402
import policies  # noqa: E402
import replay  # noqa: E402
import replay_report  # noqa: E402
import traces  # noqa: E402
from editor import is_right  # noqa: E402
from future import Place  # noqa: E402
from profiles import Profile  # noqa: E402
from replay_report import Report, Run  # noqa: E402
from traces import Event, Patch, Segment  # noqa: E402

INSTANT = Profile(ttft_ms=0, tpot_ms=0)


def segment(text: str, *patches: Patch, gap_ms: float = 200) -> Segment:
    events = tuple(Event(gap_ms, (patch,)) for patch in patches)
    return Segment("a segment", "a.js", "javascript", text, events)


def keys(at: int, text: str) -> list[Patch]:
    return [Patch(at + idx, 0, char) for idx, char in enumerate(text)]


def futures(played: Segment) -> list[str]:
    states = traces.states(played)
    return [traces.future(played, states, idx) for idx in range(len(states))]


@pytest.fixture
def infallible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(future, "is_error", lambda before_and_token: False)


# What is played


def test_what_will_stand_at_the_cursor_is_its_future() -> None:
    assert futures(segment("x = ;", *keys(4, "ab"))) == ["ab", "b", ""]


def test_a_slip_has_no_future_and_is_in_none() -> None:
    slip = [*keys(0, "ax"), Patch(1, 1, ""), *keys(1, "bc")]
    assert futures(segment("", *slip)) == ["abc", "bc", "", "bc", "c", ""]


def test_who_goes_elsewhere_ends_what_was_to_come() -> None:
    elsewhere = [*keys(0, "ab"), Patch(8, 0, "z")]
    assert futures(segment("\n123456", *elsewhere)) == ["ab", "b", "", ""]


def test_a_bracket_that_the_editor_closes_is_typed_into() -> None:
    played = segment("f", Patch(1, 0, "()"), Patch(2, 0, "x"), Patch(3, 1, ")"))
    states = traces.states(played)
    assert [state.cursor for state in states] == [1, 2, 3, 4]
    assert futures(played)[:3] == ["(x)", "x", ""]
    assert [traces.typed_at(played, idx, states[idx]) for idx in range(3)] == [
        "()",
        "x",
        # Typed over what is there.
        "",
    ]


def test_a_name_that_a_list_completes_is_typed() -> None:
    played = segment("", *keys(0, "co"), Patch(0, 2, "console"), Patch(7, 0, "."))
    states = traces.states(played)
    assert traces.typed_at(played, 2, states[2]) == "nsole"
    assert futures(played)[0] == "console."


def test_what_is_pasted_or_replaces_a_selection_is_not_typed() -> None:
    played = segment("ab", Patch(0, 2, "c"), Patch(1, 0, "x" * 100))
    states = traces.states(played)
    assert [traces.typed_at(played, idx, states[idx]) for idx in range(2)] == ["", ""]


def test_the_recording_of_our_own_ends_in_the_sources() -> None:
    trace = traces._own()
    text = trace.text
    for event in trace.events:
        text = traces.applied(text, event.patches)
    source = traces.ROOT / "server" / "foretype" / trace.file_name
    assert text == source.read_text("utf-8")
    assert len(trace.events) > 1_000


def test_segments_begin_at_a_pause_and_go_on_from_what_was_typed() -> None:
    trace = traces._own()
    first, second = trace.segments(2, 100)
    assert len(first.events) == len(second.events) == 100
    assert first.events[0].gap_ms >= traces.PAUSE_MS
    start = trace.events.index(second.events[0])
    text = trace.text
    for event in trace.events[:start]:
        text = traces.applied(text, event.patches)
    assert second.text == text


def test_whole_seconds_are_filled_with_gaps_in_order() -> None:
    times = ["2020-10-18T07:27:11.000Z"] * 3 + ["2020-10-18T07:27:15.000Z"] * 20
    stamps_ms = traces._stamps_ms(times, "a name")
    assert stamps_ms == sorted(stamps_ms)
    assert len(stamps_ms) == len(times)
    # The twenty of one second stay in it.
    assert stamps_ms[-1] - stamps_ms[3] < 1_000


# What its model knows


def test_a_prompt_is_found_where_it_is_from() -> None:
    played = segment("let x = ;\n", *keys(8, "y + 1"))
    places = future.places(played)
    assert future.find(places, "let x = y", ";\n", 1) == (1, "let x = y")
    # An older one, once the person has typed on; and one that goes beyond.
    assert future.find(places, "let x = ", ";\n", 3) == (0, "let x = ")
    assert future.find(places, "let x = y + ", ";\n", 1) == (1, "let x = y + ")
    # Without the blank at its end, which the model then writes.
    assert future.find(places, "let x =", ";\n", 0) == (0, "let x =")
    assert future.find(places, "let z = ", ";\n", 0) is None


def test_a_prompt_of_a_slip_is_found_behind_it() -> None:
    slip = [*keys(0, "abx"), Patch(2, 1, ""), *keys(2, "cd")]
    places = future.places(segment("", *slip))
    found = future.find(places, "abx", "", 5)
    assert found == (3, "abx")
    assert [*future.tokens(places[3], "abx")] == []


@pytest.mark.usefixtures("infallible")
def test_tokens_are_the_same_from_wherever_they_are_asked_for() -> None:
    place = Place("let ", ";", "total = first + second")
    assert [*future.tokens(place, "let ")] == [
        "total",
        " =",
        " first",
        " +",
        " second",
    ]
    assert [*future.tokens(place, "let total = fir")] == ["st", " +", " second"]


def test_the_model_errs_at_the_same_places() -> None:
    place = Place("", "", " ".join(f"word{idx}" for idx in range(400)))
    said = [*future.tokens(place, "")]
    assert said == [*future.tokens(place, "")]
    n_wrong = sum(not f" {token}".endswith(f"word{i}") for i, token in enumerate(said))
    assert 8 <= n_wrong <= 36


def test_an_answer_ends_at_its_limit_or_at_a_stop_string() -> None:
    tokens = ["a", " b", "\n\n", "c"]
    assert future.limited(iter(tokens), 2, ()) == (["a", " b"], "length")
    assert future.limited(iter(tokens), 9, ("\n\n",)) == (["a", " b"], "stop")
    assert future.limited(iter(tokens), 9, (" b",)) == (["a"], "stop")


# How it scores


@pytest.mark.parametrize(
    ("ghost", "n_after", "wanted", "behind", "right"),
    [
        ("foo()", 0, "foo()\nbar", "", True),
        ("foo", 0, "foo()", "", True),
        ("foo()\nother", 0, "foo()\nbar", "", True),
        ("food", 0, "foo()", "", False),
        ("", 0, "foo()", "", False),
        ("  ", 0, "  x", "", False),
        ("foo", 0, "", "", False),
        # What the editor closed is written again, and replaced or left behind.
        ("x)", 1, "x", ")", True),
        ("x)", 0, "x", ")", False),
        ("\n  y", 0, "\n  y()", "", True),
    ],
)
def test_a_first_line_is_right_where_it_is_typed_next(
    ghost: str, n_after: int, wanted: str, behind: str, right: bool
) -> None:
    assert is_right(ghost, n_after, wanted, behind, behind) is right


def theories(played: Segment, profile: Profile) -> list[policies.Theory]:
    states, places = traces.states(played), future.places(played)
    return [
        policy(played, states, places, profile)
        for policy in (policies.bound, policies.reusing)
    ]


@pytest.mark.usefixtures("infallible")
def test_in_theory_all_is_right_where_nothing_takes_time() -> None:
    played = segment("", *keys(0, "let total = 1;"), gap_ms=100)
    bound, policy = theories(played, INSTANT)
    assert (bound.n_typed, bound.n_right, bound.n_requests) == (14, 14, 14)
    # Whatever is typed along has been asked for by the first key.
    assert (policy.n_right, policy.n_requests) == (14, 1)


@pytest.mark.usefixtures("infallible")
def test_in_theory_a_suggestion_takes_as_long_as_its_line() -> None:
    played = segment("", *keys(0, "let total = 1;"), gap_ms=100)
    # Its five tokens are there after 250 + 4 * 30 ms, when three keys have been typed.
    bound, policy = theories(played, Profile(ttft_ms=250, tpot_ms=30))
    assert (bound.n_right, policy.n_right) == (11, 11)
    # A slower one is shown as far as it is there, 150 ms after its first word.
    bound, policy = theories(played, Profile(ttft_ms=250, tpot_ms=140))
    assert bound.n_right == policy.n_right < 11


@pytest.mark.usefixtures("infallible")
def test_in_theory_what_is_seen_is_asked_ahead_of() -> None:
    played = segment("", *keys(0, "ab"), gap_ms=200)
    _, policy = theories(played, INSTANT)
    assert (policy.n_requests, policy.n_right) == (2, 2)


@pytest.mark.usefixtures("infallible")
def test_in_theory_a_wrong_stream_is_asked_again_for() -> None:
    slip = [*keys(0, "ax"), Patch(1, 1, ""), *keys(1, "bcdef")]
    _, policy = theories(segment("", *slip, gap_ms=100), INSTANT)
    # At first, and for the slip, of which nothing comes; it was right before that.
    assert (policy.n_requests, policy.n_right) == (2, 7)


# The whole of it, with the real server


def test_a_segment_is_replayed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale = replay.Scale(n_segments=1, n_events=40, n_at_once=2, gap_scale=0.3)
    segments = traces._own().segments(scale.n_segments, scale.n_events)
    servers = {"foretype": peers.FORETYPE}
    results = replay.play_all(scale, segments, servers, ["spark", "link"])
    for run in (
        Run("foretype", profile, accepts)
        for profile in ("spark", "link")
        for accepts in (False, True)
    ):
        found = results[run, segments[0].name]
        assert found.n_recorded == 40
        assert found.n_events + found.n_saved_keys == 40
        assert (found.n_unanswered, found.n_errors) == (0, 0)
        assert 0 < found.n_requests < 40
        assert found.n_off_recording < found.n_requests
        assert found.n_answers > 0
        assert found.n_prompt_tokens > found.n_requests
        assert len(found.without_ns) == found.n_typed
        assert len(found.shown_ns) == found.n_right

    path = tmp_path / "results.json"
    replay._save(path, results)
    assert replay._loaded(path) == results

    monkeypatch.setattr(page, "DOCUMENT", tmp_path / "benchmarks.md")
    page.write_part("another", "is kept")
    monkeypatch.setattr(replay_report, "PLOTS", tmp_path / "benchmarks")
    Report(servers, ["spark", "link"], segments, results).write()
    written = (tmp_path / "benchmarks.md").read_text("utf-8")
    for title in ("Coverage", "Cost", "Latency", "Accepting", "Manners", "Budgets"):
        assert f"\n## {title}\n" in written
    assert "is kept" in written
    for name in ("coverage", "waiting", "cost", "accepting"):
        assert f"(benchmarks/{name}.svg)" in written
        drawn = (tmp_path / "benchmarks" / f"{name}.svg").read_text("utf-8")
        assert "<svg" in drawn
        assert "spark" in drawn
