"""Between the protocol's values and ours: positions, edits, completions.

Positions exist only here and in `server`. The messages that come with every key are
read by hand, which is quicker than a generic converter (docs/latency.md) and forgives
what editors get wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Encoding

from foretype.answer import Completion
from foretype.context import Problem
from foretype.document import Document, Snapshot
from foretype.edits import Edit

ACCEPT_COMMAND = "foretype.accept"
EXPLAIN_COMMAND = "foretype.explain"
# The names that plugins of Copilot's language server speak as well.
DID_SHOW_COMPLETION = "textDocument/didShowCompletion"
DID_PARTIALLY_ACCEPT_COMPLETION = "textDocument/didPartiallyAcceptCompletion"
DID_FOCUS = "textDocument/didFocus"
DID_DIAGNOSE = "foretype/didDiagnose"
DID_EXTEND = "foretype/didExtend"
EXPLAIN = "foretype/explain"

# What vscode-languageclient says in VS Code and in what is made of it. There a range
# from the beginning of the line keeps an item alive over backspace, and one that ends
# before an auto-closed bracket leaves that bracket behind.
_IS_VS_CODE = re.compile(
    r"visual studio code|code - oss|vscodium|code-server|cursor|windsurf|monaco", re.I
)
VS_CODE_DEFAULTS = {"editor": {"range_start": "line", "range_end": "rest"}}
# A longer beginning of a line is not repeated in every item.
MAX_REPEATED_CHARS = 1_000
# Where editors ask for a list without a word before the cursor.
TRIGGER_CHARACTERS = tuple(" .,:;=<>+-*/%&|!?([{\"'`@#\n")
_WORD_AT_END = re.compile(r"\w*$")


def choose_encoding(offered: Sequence[Encoding | str] | None) -> Encoding:
    """The unit of a position's `character`: UTF-8 where offered, else UTF-16.

    UTF-32 is for a client that offers nothing else.
    """
    preferred = (Encoding.Utf8, Encoding.Utf16, Encoding.Utf32)
    return next((e for e in preferred if e in (offered or ())), Encoding.Utf16)


def offset(document: Document, position: types.Position, encoding: Encoding) -> int:
    """The code points before a position.

    One past the end of a line is the end of that line, before its line end; one past
    the last line is the end of the text.
    """
    if position.line >= document.n_lines:
        last = document.n_lines - 1
        return document.line_start(last) + len(document.line(last))
    line = document.line(position.line)
    start = document.line_start(position.line)
    return start + _n_code_points(line, position.character, encoding)


def position(document: Document, offset: int, encoding: Encoding) -> types.Position:
    """The position of an offset."""
    line_idx, column = document.locate(offset)
    before = document.line(line_idx)[:column]
    return types.Position(line_idx, _n_units(before, encoding))


def apply(
    document: Document,
    change: types.TextDocumentContentChangeEvent,
    encoding: Encoding,
) -> Edit:
    """Makes one change of a didChange."""
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return document.replace_all(change.text)
    start = offset(document, change.range.start, encoding)
    end = offset(document, change.range.end, encoding)
    return document.replace(start, end, change.text)


@dataclass(frozen=True, slots=True)
class Selected:
    """The entry of an editor's list that a completion is to go on from."""

    range: types.Range
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """All that is wrong with a document."""

    uri: str
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for completions, with what clients of Copilot's server add to it."""

    params: types.InlineCompletionParams
    indent: str
    """What the editor indents by; empty where it has not said."""


@dataclass(frozen=True, slots=True)
class AcceptedPart:
    """A part of an item, from its beginning, that was accepted."""

    item_id: int
    n_chars: int


def defaults_for(client_name: str) -> Mapping[str, Any]:
    """The settings that suit an editor, by its name."""
    return VS_CODE_DEFAULTS if _IS_VS_CODE.search(client_name) else {}


def can_extend(capabilities: types.ClientCapabilities) -> bool:
    """Whether a client says that it asks again when it is told of more.

    It does so by `{"experimental": {"foretype": {"didExtend": true}}}`.
    """
    experimental = capabilities.experimental
    ours = experimental.get("foretype") if isinstance(experimental, dict) else None
    return isinstance(ours, dict) and ours.get("didExtend") is True


def with_selected(
    snapshot: Snapshot, selected: Selected, document: Document, encoding: Encoding
) -> Snapshot:
    """The view once the selected entry of a list has been taken.

    What follows keeps its range, so nothing of the rest of the line is replaced.
    """
    start = offset(document, selected.range.start, encoding)
    end = offset(document, selected.range.end, encoding)
    editor = replace(snapshot.settings.editor, range_end="cursor")
    return replace(
        snapshot.after(
            selected.text,
            n_before_chars=max(0, snapshot.offset - start),
            n_after_chars=max(0, end - snapshot.offset),
        ),
        settings=replace(snapshot.settings, editor=editor),
    )


def inline_completion_list(
    completions: Sequence[Completion],
    snapshot: Snapshot,
    position: types.Position,
    encoding: Encoding,
    selected: Selected | None = None,
) -> types.InlineCompletionList:
    """The answer that shows completions at a position, each in a range of one line."""
    items = []
    for completion in completions:
        text, replaced = (
            completion.insert_text,
            _covered(completion, snapshot, position, encoding),
        )
        if selected is not None:
            text, replaced = selected.text + text, selected.range
        elif snapshot.settings.editor.range_start == "line":
            repeated = _repeatable(snapshot.anchor.line_prefix)
            text = repeated + text
            start = position.character - _n_units(repeated, encoding)
            replaced = types.Range(types.Position(position.line, start), replaced.end)
        items.append(
            types.InlineCompletionItem(
                insert_text=text,
                # NB: Without a range VS Code shows nothing in the middle of a word.
                range=replaced,
                command=_accept_command(completion),
            )
        )
    return types.InlineCompletionList(items)


def completion_list(
    completions: Sequence[Completion],
    snapshot: Snapshot,
    position: types.Position,
    encoding: Encoding,
) -> types.CompletionList:
    """The same for an editor that shows lists only: one entry over the typed word."""
    items = []
    for completion in completions[:1]:
        found = _WORD_AT_END.search(snapshot.anchor.line_prefix)
        word = found.group() if found else ""
        text = word + completion.insert_text
        first_line = text.strip().splitlines()[0]
        start = types.Position(
            position.line, position.character - _n_units(word, encoding)
        )
        end = _covered(completion, snapshot, position, encoding).end
        items.append(
            types.CompletionItem(
                label=first_line,
                kind=types.CompletionItemKind.Text,
                detail="Foretype",
                documentation=types.MarkupContent(
                    types.MarkupKind.Markdown,
                    f"```{snapshot.language_id}\n{text.strip()}\n```",
                ),
                # What is typed must match it, or editors leave it out.
                filter_text=text,
                # Real names stand above it, unless it is to be the first.
                sort_text="!" if snapshot.settings.editor.popup_first else "~",
                insert_text_format=types.InsertTextFormat.PlainText,
                insert_text_mode=types.InsertTextMode.AsIs,
                text_edit=types.TextEdit(types.Range(start, end), text),
                command=_accept_command(completion),
            )
        )
    return types.CompletionList(is_incomplete=True, items=items)


def _repeatable(line_prefix: str) -> str:
    """What of the line before the cursor an item may begin with.

    NB: VS Code 1.139 counts a character outside the basic plane once where it is two
    units wide, and then shows no item that repeats one.
    """
    if len(line_prefix) > MAX_REPEATED_CHARS:
        return ""
    start = max((i + 1 for i, c in enumerate(line_prefix) if c > "\uffff"), default=0)
    return line_prefix[start:]


def _covered(
    completion: Completion,
    snapshot: Snapshot,
    position: types.Position,
    encoding: Encoding,
) -> types.Range:
    """From the cursor to the end of what a completion writes again."""
    covered = snapshot.anchor.line_suffix[: completion.n_covered_chars]
    end = position.character + _n_units(covered, encoding)
    return types.Range(position, types.Position(position.line, end))


def _accept_command(completion: Completion) -> types.Command:
    return types.Command("Accept", ACCEPT_COMMAND, arguments=[completion.id])


def _did_change_params(params: Mapping[str, Any]) -> types.DidChangeTextDocumentParams:
    document = params["textDocument"]
    return types.DidChangeTextDocumentParams(
        types.VersionedTextDocumentIdentifier(
            version=_integer(document["version"]), uri=_string(document["uri"])
        ),
        tuple(_change(change) for change in params["contentChanges"]),
    )


def _change(change: Mapping[str, Any]) -> types.TextDocumentContentChangeEvent:
    text = _string(change["text"])
    where = change.get("range")
    if where is None:
        return types.TextDocumentContentChangeWholeDocument(text)
    return types.TextDocumentContentChangePartial(_range(where), text)


def _asked(params: Mapping[str, Any]) -> Asked:
    context = params.get("context") or {}
    # NB: vscode-languageclient 9 sends VS Code's own number, 0, for a trigger by hand.
    is_invoked = context.get("triggerKind") in (0, 1)
    kind = types.InlineCompletionTriggerKind
    selected = context.get("selectedCompletionInfo")
    asked = types.InlineCompletionParams(
        types.InlineCompletionContext(
            kind.Invoked if is_invoked else kind.Automatic,
            None if selected is None else _selected_completion_info(selected),
        ),
        types.TextDocumentIdentifier(_string(params["textDocument"]["uri"])),
        _position(params["position"]),
    )
    return Asked(asked, _indent_of(params.get("formattingOptions") or {}))


def _indent_of(options: Mapping[str, Any]) -> str:
    """What an editor indents by, in the terms of LSP's `FormattingOptions`."""
    if not options:
        return ""
    n_spaces = _integer(options.get("tabSize", 4))
    return " " * min(max(n_spaces, 1), 16) if options.get("insertSpaces") else "\t"


def _selected_completion_info(
    selected: Mapping[str, Any],
) -> types.SelectedCompletionInfo:
    return types.SelectedCompletionInfo(
        _range(selected["range"]), _string(selected["text"])
    )


def _shown_item_id(params: Mapping[str, Any]) -> int:
    return _integer(params["item"]["command"]["arguments"][0])


def _accepted_part(params: Mapping[str, Any]) -> AcceptedPart:
    text = params["item"]["insertText"]
    # A StringValue is an object.
    text = _string(text if isinstance(text, str) else text["value"])
    n_units = _integer(params["acceptedLength"])
    accepted = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, n_units)]
    n_chars = len(accepted.decode("utf-16-le", "ignore"))
    return AcceptedPart(_shown_item_id(params), n_chars)


def _diagnosed(params: Mapping[str, Any]) -> Diagnosed:
    problems = [
        Problem(_position(said["range"]["start"]).line, _string(said["message"]))
        for said in params["diagnostics"]
    ]
    return Diagnosed(_string(params["textDocument"]["uri"]), problems)


def _focused_uri(params: Mapping[str, Any]) -> str | None:
    document = params.get("textDocument")
    return None if document is None else _string(document["uri"])


def _explained_uri(params: Mapping[str, Any]) -> str:
    return _string(params["textDocument"]["uri"])


def _cancel_params(params: Mapping[str, Any]) -> types.CancelParams:
    request_id = params["id"]
    return types.CancelParams(
        request_id if isinstance(request_id, str) else _integer(request_id)
    )


HOT_PARAMS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    types.TEXT_DOCUMENT_DID_CHANGE: _did_change_params,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: _asked,
    types.CANCEL_REQUEST: _cancel_params,
    DID_SHOW_COMPLETION: _shown_item_id,
    DID_PARTIALLY_ACCEPT_COMPLETION: _accepted_part,
    DID_DIAGNOSE: _diagnosed,
    DID_FOCUS: _focused_uri,
    EXPLAIN: _explained_uri,
}
"""The parameters of methods that come with every key, or are ours, from JSON.

Raises: LookupError, TypeError, ValueError or AttributeError where they do not parse.
"""


def _range(value: Mapping[str, Any]) -> types.Range:
    return types.Range(_position(value["start"]), _position(value["end"]))


def _position(value: Mapping[str, Any]) -> types.Position:
    return types.Position(_integer(value["line"]), _integer(value["character"]))


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not an integer")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _n_code_points(line: str, n_units: int, encoding: Encoding) -> int:
    """How many characters of a line make up so many units, at most its content.

    A number that ends within a character stands for that character's beginning.
    """
    content = line.rstrip("\r\n") if line[-1:] in ("\n", "\r") else line
    if line.isascii() or encoding is Encoding.Utf32:
        return min(n_units, len(content))
    if encoding is Encoding.Utf8:
        encoded = content.encode("utf-8", "surrogatepass")
        end = min(n_units, len(encoded))
        while 0 < end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1
        return len(encoded[:end].decode("utf-8", "surrogatepass"))
    encoded = content.encode("utf-16-le", "surrogatepass")
    end = min(2 * n_units, len(encoded))
    if (
        0 < end < len(encoded)
        and encoded[end + 1] & 0xFC == 0xDC
        and encoded[end - 1] & 0xFC == 0xD8
    ):
        end -= 2
    return len(encoded[:end].decode("utf-16-le", "surrogatepass"))


def _n_units(text: str, encoding: Encoding) -> int:
    if text.isascii() or encoding is Encoding.Utf32:
        return len(text)
    if encoding is Encoding.Utf8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
