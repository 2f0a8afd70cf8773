"""The protocol's values are ours and back again: positions, messages, completions."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types
from lsprotocol.types import InlineCompletionTriggerKind as TriggerKind
from lsprotocol.types import PositionEncodingKind as Encoding
from pygls.protocol import default_converter

import markers
from foretype import lsp
from foretype.document import Document
from foretype.engine import Completion, Source

CONVERTER = default_converter()


# Positions


def check_position(drawing: str, line: int, utf8: int, utf16: int, utf32: int) -> None:
    """The cursor is at this position, there and back."""
    marked = markers.parse(drawing)
    document = Document("file:///a", "text", 1, marked.prefix + marked.suffix)
    offset = len(marked.prefix)
    for encoding, character in (
        (Encoding.Utf8, utf8),
        (Encoding.Utf16, utf16),
        (Encoding.Utf32, utf32),
    ):
        position = types.Position(line, character)
        assert lsp.position(document, offset, encoding) == position
        assert lsp.offset(document, position, encoding) == offset


@pytest.mark.parametrize(
    ("drawing", "line", "utf8", "utf16", "utf32"),
    [
        pytest.param("█", 0, 0, 0, 0, id="nothing"),
        pytest.param("ab█c", 0, 2, 2, 2, id="ascii"),
        pytest.param("ab\ncd█", 1, 2, 2, 2, id="last line"),
        pytest.param("ab\n█", 1, 0, 0, 0, id="behind the last line end"),
        pytest.param("ab█\r\ncd", 0, 2, 2, 2, id="before a line end"),
        pytest.param("a\rb█", 1, 1, 1, 1, id="return ends a line"),
        pytest.param("é█", 0, 2, 1, 1, id="accent"),
        pytest.param("e\u0301█x", 0, 3, 2, 2, id="combining accent"),
        pytest.param("語█", 0, 3, 1, 1, id="ideograph"),
        pytest.param("a\U0001f642█b", 0, 5, 3, 2, id="emoji"),
        pytest.param("\U0001f469\u200d\U0001f4bb█", 0, 11, 5, 3, id="joined emoji"),
        pytest.param("a\u2028b█", 0, 5, 3, 3, id="separator that ends no line"),
        pytest.param("\udc00x█", 0, 4, 2, 2, id="half a pair"),
        pytest.param("x█\udc00", 0, 1, 1, 1, id="before half a pair"),
    ],
)
def test_a_position_leads_to_its_place_and_back(
    drawing: str, line: int, utf8: int, utf16: int, utf32: int
) -> None:
    check_position(drawing, line, utf8, utf16, utf32)


@pytest.mark.parametrize(
    ("drawing", "line", "character", "encoding"),
    [
        pytest.param("ab█\ncd", 0, 99, Encoding.Utf16, id="past a line"),
        pytest.param("ab█\r\ncd", 0, 3, Encoding.Utf16, id="within a line end"),
        pytest.param("é語█\r\n", 0, 99, Encoding.Utf8, id="past a line with accents"),
        pytest.param("ab\ncd█", 7, 0, Encoding.Utf16, id="past the last line"),
        pytest.param("a█\U0001f642", 0, 2, Encoding.Utf16, id="within a pair"),
        pytest.param("a█\U0001f642", 0, 3, Encoding.Utf8, id="within a sequence"),
    ],
)
def test_a_position_that_is_no_place_is_moved_to_one(
    drawing: str, line: int, character: int, encoding: Encoding
) -> None:
    marked = markers.parse(drawing)
    document = Document("file:///a", "text", 1, marked.prefix + marked.suffix)
    found = lsp.offset(document, types.Position(line, character), encoding)
    assert found == len(marked.prefix)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, Encoding.Utf16),
        ([], Encoding.Utf16),
        (["utf-16", "utf-8"], Encoding.Utf8),
        ([Encoding.Utf16, Encoding.Utf8, Encoding.Utf32], Encoding.Utf8),
        (["utf-32", "utf-16"], Encoding.Utf16),
        (["utf-32"], Encoding.Utf32),
        (["utf-16"], Encoding.Utf16),
        (["utf-7"], Encoding.Utf16),
    ],
    ids=str,
)
def test_the_encoding_is_the_cheapest_that_is_offered(
    offered: list[Encoding | str] | None, chosen: Encoding
) -> None:
    assert lsp.choose_encoding(offered) is chosen


# The messages that come with every key

POSITION = {"line": 3, "character": 7}
DOCUMENT = {"uri": "file:///a.py"}
RANGE = {"start": {"line": 0, "character": 1}, "end": POSITION}
CHANGE = "textDocument/didChange"
COMPLETION = "textDocument/inlineCompletion"
CANCEL = "$/cancelRequest"


def change(*changes: object, version: object = 4) -> dict[str, Any]:
    return {
        "textDocument": {**DOCUMENT, "version": version},
        "contentChanges": list(changes),
    }


def completion(**members: object) -> dict[str, Any]:
    return {
        "textDocument": DOCUMENT,
        "position": POSITION,
        "context": {"triggerKind": 2},
        **members,
    }


@pytest.mark.parametrize(
    ("method", "params"),
    [
        pytest.param(CHANGE, change({"text": "whole"}), id="whole text"),
        pytest.param(CHANGE, change({"range": RANGE, "text": "é"}), id="a range"),
        pytest.param(
            CHANGE,
            change({"range": RANGE, "text": ""}, {"text": ""}, version=-1),
            id="several",
        ),
        pytest.param(CHANGE, change(), id="no change"),
        pytest.param(
            CHANGE, {**change({"text": ""}), "extra": {"a": 1}}, id="an unknown member"
        ),
        pytest.param(COMPLETION, completion(), id="automatic"),
        pytest.param(COMPLETION, completion(context={"triggerKind": 1}), id="by hand"),
        pytest.param(CANCEL, {"id": 3}, id="number"),
        pytest.param(CANCEL, {"id": "3"}, id="string"),
    ],
)
def test_a_message_is_read_as_the_stock_converter_reads_it(
    method: str, params: dict[str, Any]
) -> None:
    stock = CONVERTER.structure(params, types.METHOD_TO_TYPES[method][2])
    assert lsp.HOT_PARAMS[method](params) == stock


@pytest.mark.parametrize(
    ("method", "params", "plain"),
    [
        pytest.param(
            CHANGE,
            change({"range": RANGE, "rangeLength": 5, "text": "x"}),
            change({"range": RANGE, "text": "x"}),
            id="length",
        ),
        pytest.param(
            CHANGE,
            change({"range": None, "text": "x"}),
            change({"text": "x"}),
            id="null for a range",
        ),
        pytest.param(
            COMPLETION,
            completion(workDoneToken="t", partialResultToken=1),
            completion(),
            id="tokens",
        ),
        pytest.param(
            COMPLETION,
            completion(
                context={
                    "triggerKind": 2,
                    "selectedCompletionInfo": {"range": RANGE, "text": "x"},
                }
            ),
            completion(),
            id="selection in a popup",
        ),
    ],
)
def test_what_is_not_used_is_not_read(
    method: str, params: dict[str, Any], plain: dict[str, Any]
) -> None:
    read = lsp.HOT_PARAMS[method]
    assert read(params) == read(plain)


@pytest.mark.parametrize(
    ("context", "kind"),
    [
        pytest.param({"triggerKind": 0}, TriggerKind.Invoked, id="0"),
        pytest.param({"triggerKind": 1}, TriggerKind.Invoked, id="1"),
        pytest.param({"triggerKind": 2}, TriggerKind.Automatic, id="2"),
        pytest.param({"triggerKind": 3}, TriggerKind.Automatic, id="3"),
        pytest.param({}, TriggerKind.Automatic, id="missing"),
        pytest.param(None, TriggerKind.Automatic, id="no context"),
    ],
)
def test_every_client_says_in_its_way_that_a_person_asked(
    context: object, kind: TriggerKind
) -> None:
    params = lsp.HOT_PARAMS[COMPLETION](completion(context=context))
    assert params.context.trigger_kind is kind


@pytest.mark.parametrize(
    ("method", "params"),
    [
        *((method, None) for method in lsp.HOT_PARAMS),
        *((method, []) for method in lsp.HOT_PARAMS),
        *((method, {}) for method in lsp.HOT_PARAMS),
        (CHANGE, change({})),
        (CHANGE, change({"text": 1})),
        (CHANGE, change({"text": "", "range": {"start": POSITION}})),
        (CHANGE, change({"text": "", "range": 1})),
        (CHANGE, change(None)),
        (CHANGE, change(version="4")),
        (CHANGE, {**change(), "contentChanges": None}),
        (CHANGE, {**change(), "textDocument": {"uri": 1, "version": 1}}),
        (COMPLETION, completion(position={"line": -1, "character": 0})),
        (COMPLETION, completion(position={"line": 1 << 31, "character": 0})),
        (COMPLETION, completion(position={"line": "1", "character": 0})),
        (COMPLETION, completion(position={"line": True, "character": 0})),
        (COMPLETION, completion(position={"line": 1.0, "character": 0})),
        (COMPLETION, completion(position={"line": 1})),
        (COMPLETION, completion(context=[1])),
        (COMPLETION, completion(textDocument={"uri": None})),
        (CANCEL, {"id": None}),
        (CANCEL, {"id": [1]}),
        (CANCEL, {"id": {}}),
    ],
    ids=repr,
)
def test_a_message_that_is_wrong_is_refused(method: str, params: Any) -> None:
    # What the protocol layer answers as bad parameters.
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        lsp.HOT_PARAMS[method](params)


# The answer


def test_an_answer_inserts_at_the_cursor_and_tells_when_it_was_accepted() -> None:
    answer = lsp.inline_completion_list(
        Completion(7, "x + 1\n", Source.MODEL), types.Position(3, 4)
    )
    at = {"line": 3, "character": 4}
    assert CONVERTER.unstructure(answer) == {
        "items": [
            {
                "insertText": "x + 1\n",
                "range": {"start": at, "end": at},
                "command": {
                    "title": "Accept",
                    "command": "foretype.accept",
                    "arguments": [7],
                },
            }
        ]
    }
