"""What a model is sent for the text around the cursor, and how its answer is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hypothesis.strategies as st
import pytest
from hypothesis import given

import markers
from foretype import endpoint_settings, prompt, templates
from foretype.document import Document, Snapshot
from foretype.endpoint_settings import EndpointSettings
from foretype.prompt import Prompt
from foretype.settings import CompletionSettings, LocalSettings, Settings
from foretype.snippet import Snippet
from foretype.trim import Shape

PROMPTS = Path(__file__).parent / "prompts"
FAMILIES = [template.family for template in templates.TEMPLATES]
# How each prompt in `prompts/` is asked for.
FORMS = {
    **{family: {"template": family} for family in FAMILIES},
    "plain": {"template": "none"},
    "suffix": {"template": "suffix"},
    "infill": {"wire": "infill", "template": "suffix"},
    "chat": {"wire": "chat"},
}

# The view begins at a block of lines; the head is what is left of what is above it.
SHAPES = (
    "import math\n\n"
    + "".join(f"SIDES_{idx} = {idx}\n" for idx in range(29))
    + "\n"
    + "def area(radius):\n    return █\n\n\ndef volume(radius):\n    pass\n"
)


# Text from elsewhere; one has a marker of each family in it, and is never sent.
OTHERS = (
    Snippet("lib/sides.py", "def sides(shape):\r\n    return shape.n\r\n"),
    Snippet(
        "markers.py",
        "".join(marker for t in templates.TEMPLATES for marker in t.reserved)
        + "</file></fill>",
    ),
    Snippet(
        "changes.diff",
        "--- a/lib/sides.py\n-    return 1\n+    return shape.n\n",
        False,
    ),
)


def snapshot_of(drawing: str, prefix_tokens: int = 0, **endpoint: Any) -> Snapshot:
    """A request at the cursor, with a model that an endpoint serves."""
    marked = markers.parse(drawing)
    document = Document(
        "file:///home/me/my%20shapes.py", "python", 1, marked.prefix + marked.suffix
    )
    wanted = Settings(
        endpoint=EndpointSettings(
            **{"base_url": "http://localhost/v1", "model": "m", **endpoint}
        ),
        completion=CompletionSettings(prefix_tokens=prefix_tokens),
    )
    return snapshot_at(document, len(marked.prefix), wanted)


def snapshot_at(document: Document, offset: int, wanted: Settings) -> Snapshot:
    view = prompt.view(wanted, prompt.CHARS_PER_TOKEN)
    return document.snapshot(offset, wanted, view)


def built(snapshot: Snapshot, shape: Shape = Shape.LINE) -> Prompt:
    return prompt.build(snapshot, shape)


# What is sent


def drawn(built: Prompt) -> str:
    """A prompt as text, a section for each of its parts."""
    parts = {"text": built.text}
    if built.suffix is not None:
        parts["suffix"] = built.suffix
    for snippet in built.extra:
        parts[f"extra {snippet.name}"] = snippet.text
    for message in built.messages:
        parts[f"message {message.role}"] = message.content
    parts["stop"] = "\n".join(built.stop)
    parts["leaks"] = "\n".join(built.leaks)
    parts["opening"] = built.opening
    sections = [f"== {name}\n{text}\n" for name, text in parts.items() if text]
    return "".join([*sections, f"== at most {built.max_tokens} tokens\n"])


@pytest.mark.parametrize("name", FORMS)
def test_each_family_is_asked_in_the_form_it_was_trained_on(
    name: str, update_golden: bool
) -> None:
    path = PROMPTS / f"{name}.txt"
    snapshot = snapshot_of(SHAPES, 64, **FORMS[name])
    alone = drawn(built(snapshot))
    among_others = drawn(built(replace(snapshot, snippets=OTHERS)))
    said = f"{alone}\n======== with text from elsewhere\n\n{among_others}"
    if update_golden:
        path.write_text(said, "utf-8", newline="\n")
    assert said == path.read_text("utf-8")


def test_there_is_a_drawing_of_each_prompt_and_of_nothing_else() -> None:
    assert sorted(path.stem for path in PROMPTS.iterdir()) == sorted(FORMS)


def test_a_block_may_be_longer_than_a_line() -> None:
    snapshot = snapshot_of("█")
    assert built(snapshot, Shape.LINE).max_tokens == 64
    assert built(snapshot, Shape.BLOCK).max_tokens == 192


def test_the_families_are_those_that_the_settings_know() -> None:
    assert {"auto", "none", "suffix", *FAMILIES} == set(endpoint_settings.TEMPLATES)
    assert len(set(endpoint_settings.TEMPLATES)) == len(endpoint_settings.TEMPLATES)


@pytest.mark.parametrize("template", templates.TEMPLATES, ids=FAMILIES)
def test_every_marker_of_a_prompt_is_reserved(template: templates.Template) -> None:
    text = template.form.format(
        prefix="", suffix="", name="", language="", files="", mode=""
    )
    for marker in template.reserved:
        text = text.replace(marker, "")
    # What is left is read as text wherever it stands.
    assert not re.search(r"[<>\[\]|]", text)
    assert set(template.stop) <= set(template.reserved)


@pytest.mark.parametrize("template", templates.TEMPLATES, ids=FAMILIES)
def test_every_marker_of_a_prompt_ends_an_answer(template: templates.Template) -> None:
    # But for what says that the text ends or a file begins, a stop is a marker.
    markers_of_form = set(template.reserved) - set(template.stop)
    assert all(marker in template.form for marker in markers_of_form)
    said = built(snapshot_of("x = █", template=template.family))
    assert set(said.leaks) == set(template.reserved)
    assert 1 <= len(said.stop) <= 4


@pytest.mark.parametrize("family", ["mellum", "codegeex"])
def test_a_files_name_is_never_taken_for_structure(family: str) -> None:
    name = "a<filename>b<|user|>c.py"
    document = Document(f"file:///home/me/{quote(name)}", "python", 1, "x")
    wanted = Settings(
        endpoint=EndpointSettings(
            base_url="http://localhost/v1", model="m", template=family
        )
    )
    text = built(snapshot_at(document, 1, wanted)).text
    template = next(t for t in templates.TEMPLATES if t.family == family)
    for marker in template.reserved:
        assert text.count(marker) == template.form.count(marker)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("qwen2.5-coder:1.5b", "qwen"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen"),
        ("codegemma-2b", "codegemma"),
        ("starcoder2-7b", "starcoder2"),
        ("starcoderbase-3b", "starcoder"),
        ("aixcoder-7b-base", "aixcoder"),
        ("stable-code-3b", "starcoder"),
        ("granite-code:3b", "starcoder"),
        ("granite-4.0-h", "granite"),
        ("codellama-7b", "codellama"),
        ("CodeLlama/code-llama-13b", "codellama"),
        ("deepseek-coder-v2-lite", "deepseek"),
        ("codestral-2508", "codestral"),
        ("JetBrains/Mellum-4b-base", "mellum"),
        ("Seed-Coder-8B-Base", "seed-coder"),
        ("glm-4-9b", "glm"),
        ("codegeex4-all-9b", "codegeex"),
        ("bigcode/santacoder", "santacoder"),
        ("smallcloudai/Refact-1_6B-fim", "refact"),
        ("gpt-4o", None),
        ("gemma-3", None),
        ("gemma-3-270m", None),
        ("qwen3-30b", None),
        ("", None),
    ],
)
def test_a_models_name_tells_its_family(name: str, family: str | None) -> None:
    found = templates.template_for(name, "auto")
    assert (found.family if found else None) == family


@pytest.mark.parametrize(
    ("endpoint", "tells"),
    [
        ({"model": "qwen2.5-coder"}, True),
        ({"model": "unheard-of"}, False),
        ({"model": "unheard-of", "template": "suffix"}, True),
        ({"model": "unheard-of", "template": "glm"}, True),
        ({"model": "unheard-of", "wire": "chat"}, True),
        ({"model": "qwen2.5-coder", "template": "none"}, False),
        # The built-in model is never asked in a chat.
        ({"provider": "local", "wire": "chat"}, False),
    ],
    ids=str,
)
def test_it_is_known_whether_a_model_sees_the_text_after_the_cursor(
    endpoint: dict[str, str], tells: bool
) -> None:
    snapshot = snapshot_of("before█AFTER", **endpoint)
    assert templates.tells_suffix(snapshot.settings) is tells
    said = built(snapshot)
    assert ("AFTER" in drawn(said)) is tells


@pytest.mark.parametrize(
    ("drawing", "suffix"),
    [
        ("f(█)\nnext\n", "\nnext\n"),
        ('f("█"):\nnext\n', "\nnext\n"),
        ("f(█\nnext\n", "\nnext\n"),
        ("f(█, b)\nnext\n", ", b)\nnext\n"),
        # What follows is nothing that could be told.
        ("f(█)", None),
        ("f(█)\n\n  \n", None),
        ("f(█", None),
    ],
)
def test_the_suffix_begins_behind_what_only_closes(
    drawing: str, suffix: str | None
) -> None:
    assert built(snapshot_of(drawing, template="suffix")).suffix == suffix


def test_a_model_that_is_told_the_suffix_last_is_told_less_of_it() -> None:
    text = "a = 1\n" * 100 + "█\n" + "b = 1\n" * 1_000
    lengths = {
        name: len(snapshot_of(text, **FORMS[name]).suffix)
        for name in ("qwen", "suffix", "mellum", "chat", "plain")
    }
    assert 180 < lengths["qwen"] == lengths["suffix"] <= 211
    assert 1_900 < lengths["mellum"] == lengths["chat"] <= 1_980
    assert lengths["plain"] == 0


def test_the_built_in_model_is_sent_what_fits_into_its_context() -> None:
    assert Settings().prefix_tokens == 1_800
    small = Settings(local=LocalSettings(n_ctx_tokens=512))
    assert small.prefix_tokens == 512 - 192
    wanted = CompletionSettings(prefix_tokens=900)
    assert Settings(completion=wanted).prefix_tokens == 900


# Text that looks like structure


def structure(family: str) -> tuple[str, ...]:
    if family == "chat":
        return built(snapshot_of("█", wire="chat")).leaks
    return next(t for t in templates.TEMPLATES if t.family == family).reserved


def sent(snapshot: Snapshot) -> str:
    said = built(snapshot)
    return said.text + (said.messages[-1].content if said.messages else "")


def check_structure(family: str, prefix: str, suffix: str) -> None:
    """Each marker is sent just as often as for an empty document."""
    text = sent(snapshot_of(f"{prefix}█x{suffix}", **FORMS[family]))
    empty = sent(snapshot_of("█x", **FORMS[family]))
    for marker in structure(family):
        assert text.count(marker) == empty.count(marker)


@pytest.mark.parametrize("family", [*FAMILIES, "chat"])
@given(data=st.data())
def test_text_is_never_taken_for_structure(data: Any, family: str) -> None:
    reserved = structure(family)
    halves = [half for m in reserved for half in (m[: len(m) // 2], m[len(m) // 2 :])]
    pieces = st.sampled_from([*reserved, *reserved, *halves, "x", "\n"])
    texts = st.lists(pieces, max_size=6).map("".join)
    check_structure(family, data.draw(texts), data.draw(texts))


@pytest.mark.parametrize("family", [*FAMILIES, "chat"])
def test_text_next_to_the_cursor_is_sent_nevertheless(family: str) -> None:
    marker = structure(family)[-1]
    drawing = f"FAR{marker}NEAR█NEXT{marker}LATER"
    text = sent(snapshot_of(drawing, **FORMS[family]))
    assert [word in text for word in ("FAR", "NEAR", "NEXT", "LATER")] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("text", ["{prefix}", "{suffix}{0}", "{", "%s"])
def test_braces_in_the_text_are_only_braces(text: str) -> None:
    said = built(snapshot_of(f"{text}█{text}", template="qwen"))
    assert said.text == f"<|fim_prefix|>{text}<|fim_suffix|>{text}<|fim_middle|>"


# Line ends


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=repr)
def test_models_see_newlines_and_documents_get_their_own(line_end: str) -> None:
    snapshot = snapshot_of(
        "a\nb█c\nd\n".replace("\n", line_end), template="qwen", model="m"
    )
    said = built(snapshot)
    assert said.text == "<|fim_prefix|>a\nb<|fim_suffix|>c\nd\n<|fim_middle|>"
    for answer in ("x\ny\n", "x\r\ny\r\n"):
        assert prompt.received(answer, said, snapshot.anchor, is_final=True) == (
            f"x{line_end}y{line_end}"
        )


# What is received


def check_received(answer: str, *shown: str, at: str = "█", **endpoint: Any) -> None:
    """After each chunk of an answer, and at its end, this is known to be meant."""
    snapshot = snapshot_of(at, **endpoint)
    chunks = markers.parse(f"├{answer}┤").chunks
    assert received(chunks, built(snapshot), snapshot) == list(shown)


def received(chunks: Sequence[str], said: Prompt, snapshot: Snapshot) -> list[str]:
    """What is taken from an answer after each chunk, and at the end."""
    steps = ["".join(chunks[: n + 1]) for n in range(len(chunks))]
    texts = [
        prompt.received(raw, said, snapshot.anchor, is_final=False) for raw in steps
    ]
    whole = "".join(chunks)
    return [*texts, prompt.received(whole, said, snapshot.anchor, is_final=True)]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param("x┆ + 1", ["x", "x + 1", "x + 1"], id="text as it comes"),
        pytest.param("x<|fim┆_pad|>y", ["x", "x", "x"], id="a marker in two"),
        pytest.param("a <┆ b", ["a ", "a < b", "a < b"], id="no marker after all"),
        pytest.param("a <", ["a ", "a <"], id="the end decides"),
        pytest.param("a<|endoftext|>b", ["a", "a"], id="behind the end"),
        pytest.param("a\r┆\nb", ["a", "a\nb", "a\nb"], id="a line end in two"),
    ],
)
def test_what_may_be_a_marker_is_held_back(answer: str, shown: list[str]) -> None:
    check_received(answer, *shown, template="qwen")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param("<fill>x</fill>", ["x", "x"], id="between the tags"),
        pytest.param("<fi┆ll> x", ["", " x", " x"], id="the tag in two"),
        pytest.param("\n <fill>x", ["x", "x"], id="blanks before the tag"),
        pytest.param(" x", [" x", " x"], id="no tag"),
        pytest.param("<fi┆x", ["", "<fix", "<fix"], id="no tag after all"),
        pytest.param("<fill>x</┆fill> done", ["x", "x", "x"], id="the end in two"),
        pytest.param("```py┆\nx\n``┆`", ["", "x", "x", "x"], id="fence"),
        pytest.param("```\nx\n``┆y", ["x", "x\n``y", "x\n``y"], id="no fence"),
        pytest.param("```\n```", ["", ""], id="nothing in a fence"),
        pytest.param("`┆x`", ["", "`x`", "`x`"], id="one backtick"),
    ],
)
def test_a_chats_wrapping_is_taken_off(answer: str, shown: list[str]) -> None:
    check_received(answer, *shown, wire="chat")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param("<fill>total += 1", [" 1", " 1"], id="as it stands there"),
        pytest.param("<fill>    total += 1", [" 1", " 1"], id="with its indentation"),
        pytest.param("<fill>tot┆al += 1", ["", " 1", " 1"], id="in two"),
        pytest.param("<fill>tot┆ally", ["", "totally", "totally"], id="none after all"),
        pytest.param("<fill>tot", ["", "tot"], id="the end decides"),
        pytest.param("total += 1", [" 1", " 1"], id="without a tag"),
    ],
)
def test_a_chat_that_repeats_the_line_is_not_taken_at_its_word(
    answer: str, shown: list[str]
) -> None:
    check_received(answer, *shown, at="    total +=█", wire="chat")


def test_a_short_line_may_well_be_repeated() -> None:
    check_received("<fill>x = x", "x = x", "x = x", at="x█", wire="chat")


PIECES = [
    *("x", " ", "\n", "\r\n", "\r", "`", "```", "``", "py", "<", "</", "fill>"),
    *("<fill>", "</fill>", "<|", "<|fim_prefix|>", "<|endof", "text|>"),
    *("total", "total +=", "    "),
]


@given(
    chunks=st.lists(
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
        max_size=8,
    ),
    at=st.sampled_from(["█", "    total +=█\n", "a\r\ntotal +=█", "a\r█"]),
    form=st.sampled_from(["chat", "qwen", "plain"]),
)
def test_what_was_shown_is_never_taken_back(
    chunks: list[str], at: str, form: str
) -> None:
    snapshot = snapshot_of(at, **FORMS[form])
    said = built(snapshot)
    texts = received(chunks, said, snapshot)
    for earlier, later in pairwise(texts):
        assert later.startswith(earlier)
    assert texts[-1] == received(["".join(chunks)], said, snapshot)[-1]


@pytest.mark.parametrize(
    ("line", "answer", "received"),
    [
        ("    return ", " self.text", "self.text"),
        ("    return ", "(1)", ""),
        ("    return ", "\n\ndef f", ""),
        ("x  ", " = 1", "= 1"),
        ("x  ", "  = 1", "= 1"),
        ("    return", " self.text", " self.text"),
        ("    ", "return 1", "return 1"),
    ],
)
def test_a_base_model_writes_the_last_space_itself(
    line: str, answer: str, received: str
) -> None:
    document = Document("file:///a.py", "python", 1, f"def f():\n{line}")
    snapshot = snapshot_at(document, 1000, Settings())
    asked = built(snapshot)
    assert asked.text == f"def f():\n{line if not line.strip() else line.rstrip()}"
    assert prompt.received(answer, asked, snapshot.anchor, is_final=True) == received
