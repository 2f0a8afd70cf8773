"""The protocol's values are ours and back again: positions, messages, completions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from lsprotocol import types
from lsprotocol.types import InlineCompletionTriggerKind as TriggerKind
from lsprotocol.types import PositionEncodingKind as Encoding
from pygls.protocol import default_converter

import markers
from foretype import lsp
from foretype.answer import Completion, Source
from foretype.document import Document, Snapshot, View
from foretype.settings import EditorSettings, Settings

CONVERTER = default_converter()
ITEM = {"insertText": "x", "command": {"arguments": [7]}}


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
    read = lsp.HOT_PARAMS[method](params)
    assert (read.params if method == COMPLETION else read) == stock


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
    params = lsp.HOT_PARAMS[COMPLETION](completion(context=context)).params
    assert params.context.trigger_kind is kind


@pytest.mark.parametrize(
    ("method", "params"),
    [
        *((method, None) for method in lsp.HOT_PARAMS),
        *((method, []) for method in lsp.HOT_PARAMS),
        *((method, {}) for method in lsp.HOT_PARAMS if method != lsp.DID_FOCUS),
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
        (COMPLETION, completion(context={"selectedCompletionInfo": {"text": "x"}})),
        (COMPLETION, completion(context={"selectedCompletionInfo": {"range": RANGE}})),
        (lsp.DID_SHOW_COMPLETION, {"item": {"command": {"arguments": []}}}),
        (lsp.DID_SHOW_COMPLETION, {"item": {"command": {"arguments": ["7"]}}}),
        (lsp.DID_PARTIALLY_ACCEPT_COMPLETION, {"item": ITEM}),
        (lsp.DID_PARTIALLY_ACCEPT_COMPLETION, {"item": ITEM, "acceptedLength": "2"}),
        (lsp.DID_FOCUS, {"textDocument": {"uri": 1}}),
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


@pytest.mark.parametrize(
    ("options", "indent"),
    [
        ({"tabSize": 2, "insertSpaces": True}, "  "),
        ({"tabSize": 8, "insertSpaces": False}, "\t"),
        ({"tabSize": 99, "insertSpaces": True}, " " * 16),
        ({"insertSpaces": True}, "    "),
        (None, ""),
    ],
)
def test_what_an_editor_indents_by_is_read(
    options: dict[str, Any] | None, indent: str
) -> None:
    params = {**completion(), "formattingOptions": options}
    assert lsp.HOT_PARAMS[COMPLETION](params).indent == indent


def test_a_selection_in_a_list_is_read() -> None:
    params = completion(
        context={
            "triggerKind": 2,
            "selectedCompletionInfo": {"range": RANGE, "text": "x"},
        }
    )
    asked = lsp.HOT_PARAMS[COMPLETION](params).params
    info = asked.context.selected_completion_info
    assert info.text == "x"
    assert CONVERTER.unstructure(info.range) == RANGE


@pytest.mark.parametrize(
    ("text", "n_units", "n_chars"),
    [("print(x)", 5, 5), ("\U0001f642x", 2, 1), ("\U0001f642x", 3, 2), ("x", 9, 1)],
)
@pytest.mark.parametrize("is_value", [False, True])
def test_a_part_that_was_accepted_is_counted_in_characters(
    text: str, n_units: int, n_chars: int, is_value: bool
) -> None:
    insert_text = {"kind": "snippet", "value": text} if is_value else text
    params = {"item": {**ITEM, "insertText": insert_text}, "acceptedLength": n_units}
    read = lsp.HOT_PARAMS[lsp.DID_PARTIALLY_ACCEPT_COMPLETION]
    assert read(params) == lsp.AcceptedPart(7, n_chars)


def test_a_focus_may_be_of_no_document() -> None:
    read = lsp.HOT_PARAMS[lsp.DID_FOCUS]
    assert read({}) is None
    assert read({"textDocument": {"uri": "file:///a"}}) == "file:///a"


@pytest.mark.parametrize(
    ("name", "is_vs_code"),
    [
        ("Visual Studio Code", True),
        ("Visual Studio Code - Insiders", True),
        ("VSCodium", True),
        ("code-server", True),
        ("Neovim", False),
        ("helix", False),
        ("", False),
    ],
)
def test_what_suits_an_editor_goes_by_its_name(name: str, is_vs_code: bool) -> None:
    assert bool(lsp.defaults_for(name)) is is_vs_code


@pytest.mark.parametrize(
    ("experimental", "can_extend"),
    [
        ({"foretype": {"didExtend": True}}, True),
        ({"foretype": {"didExtend": 1}}, False),
        ({"foretype": []}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_client_says_that_it_asks_again(experimental: Any, can_extend: bool) -> None:
    capabilities = types.ClientCapabilities(experimental=experimental)
    assert lsp.can_extend(capabilities) is can_extend


# The answer


@dataclass
class Answered:
    """A completion in a document, and what an editor is told of it."""

    document: Document
    snapshot: Snapshot
    position: types.Position
    completion: Completion
    encoding: Encoding

    def applied(self, replaced: types.Range, text: str) -> str:
        """The document once the editor has made of it what it was told."""
        start = lsp.offset(self.document, replaced.start, self.encoding)
        end = lsp.offset(self.document, replaced.end, self.encoding)
        assert replaced.start.line == replaced.end.line == self.position.line
        return self.document.text[:start] + text + self.document.text[end:]


def answered(
    drawing: str, encoding: Encoding = Encoding.Utf16, **editor: Any
) -> Answered:
    marked = markers.parse(drawing)
    document = Document("file:///a", "python", 1, marked.prefix + marked.suffix)
    offset = len(marked.prefix)
    settings = Settings(editor=EditorSettings(**editor))
    return Answered(
        document,
        document.snapshot(offset, settings, View(6_000, 2_000)),
        lsp.position(document, offset, encoding),
        Completion(7, marked.completion, Source.MODEL, marked.n_replaced_chars),
        encoding,
    )


def accepted(drawing: str) -> str:
    marked = markers.parse(drawing)
    return marked.prefix + marked.completion + marked.suffix[marked.n_replaced_chars :]


DRAWINGS = [
    pytest.param("x\n    y = ├f(x)\n    z┤\nq", id="lines"),
    pytest.param("x\nprint(├x);┤)╣\n", id="over a bracket"),
    pytest.param("x = '\U0001f642├\U0001f642')┤')╣", id="emoji"),
    pytest.param("e('\U0001f642', é(├x));┤))╣", id="behind an emoji"),
    pytest.param("├import os┤", id="at the beginning"),
    pytest.param(f"{'x' * 2000}├y┤", id="behind a long line"),
]


@pytest.mark.parametrize("encoding", [Encoding.Utf8, Encoding.Utf16, Encoding.Utf32])
@pytest.mark.parametrize("range_start", ["cursor", "line"])
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_an_item_says_what_it_inserts_and_where(
    drawing: str, range_start: str, encoding: Encoding
) -> None:
    it = answered(drawing, encoding, range_start=range_start)
    (item,) = lsp.inline_completion_list(
        [it.completion], it.snapshot, it.position, encoding
    ).items
    assert item.range is not None and isinstance(item.insert_text, str)
    assert it.applied(item.range, item.insert_text) == accepted(drawing)
    line_prefix = it.snapshot.anchor.line_prefix
    is_repeated = range_start == "line" and len(line_prefix) < 1000
    # VS Code shows nothing that repeats a character of two units.
    repeated = re.split("[^\u0000-\uffff]", line_prefix)[-1] if is_repeated else ""
    assert item.insert_text.startswith(repeated)
    start = lsp.offset(it.document, item.range.start, encoding)
    assert it.document.text[start : it.snapshot.offset] == repeated
    assert item.command == types.Command("Accept", "foretype.accept", arguments=[7])


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_list_has_one_entry_over_the_typed_word(drawing: str) -> None:
    it = answered(drawing)
    answer = lsp.completion_list([it.completion], it.snapshot, it.position, it.encoding)
    assert answer.is_incomplete
    (item,) = answer.items
    assert isinstance(item.text_edit, types.TextEdit)
    assert it.applied(item.text_edit.range, item.text_edit.new_text) == accepted(
        drawing
    )
    assert "\n" not in item.label
    assert item.command == types.Command("Accept", "foretype.accept", arguments=[7])


def test_a_list_has_it_behind_real_names_unless_asked() -> None:
    for is_first, sort_text in ((False, "~"), (True, "!")):
        it = answered("x = pri├nt(x)┤", popup_first=is_first)
        (item,) = lsp.completion_list(
            [it.completion], it.snapshot, it.position, it.encoding
        ).items
        assert item.sort_text == sort_text
        assert item.filter_text == "print(x)"
        assert item.text_edit == types.TextEdit(
            types.Range(types.Position(0, 4), types.Position(0, 7)), "print(x)"
        )


def test_an_item_for_a_selected_entry_goes_on_from_it_in_its_range() -> None:
    it = answered("x = pr├┤")
    chosen = types.Range(types.Position(0, 4), types.Position(0, 6))
    selected = lsp.Selected(chosen, "print")
    seen = lsp.with_selected(it.snapshot, selected, it.document, it.encoding)
    assert seen.prefix == "x = print"
    completion = Completion(7, "(x)", Source.MODEL)
    (item,) = lsp.inline_completion_list(
        [completion], seen, it.position, it.encoding, selected
    ).items
    assert (item.range, item.insert_text) == (chosen, "print(x)")


def test_the_answer_with_nothing_is_a_list() -> None:
    it = answered("x = ├y┤")
    assert CONVERTER.unstructure(
        lsp.inline_completion_list([], it.snapshot, it.position, it.encoding)
    ) == {"items": []}
