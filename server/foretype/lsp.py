"""Between the protocol's values and ours: positions, edits, completions.

Positions exist only here and in `server`. The messages that come with every key are
read by hand, which is quicker than a generic converter (docs/latency.md) and forgives
what editors get wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Encoding

from foretype.document import Document
from foretype.edits import Edit
from foretype.engine import Completion

ACCEPT_COMMAND = "foretype.accept"


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


def inline_completion_list(
    completion: Completion, position: types.Position
) -> types.InlineCompletionList:
    """The answer that shows a completion at a position."""
    item = types.InlineCompletionItem(
        insert_text=completion.insert_text,
        # NB: Without a range VS Code shows nothing in the middle of a word.
        range=types.Range(position, position),
        command=types.Command("Accept", ACCEPT_COMMAND, arguments=[completion.id]),
    )
    return types.InlineCompletionList([item])


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
    return types.TextDocumentContentChangePartial(
        types.Range(_position(where["start"]), _position(where["end"])), text
    )


def _inline_completion_params(
    params: Mapping[str, Any],
) -> types.InlineCompletionParams:
    context = params.get("context") or {}
    # NB: vscode-languageclient 9 sends VS Code's own number, 0, for a trigger by hand.
    is_invoked = context.get("triggerKind") in (0, 1)
    kind = types.InlineCompletionTriggerKind
    return types.InlineCompletionParams(
        types.InlineCompletionContext(kind.Invoked if is_invoked else kind.Automatic),
        types.TextDocumentIdentifier(_string(params["textDocument"]["uri"])),
        _position(params["position"]),
    )


def _cancel_params(params: Mapping[str, Any]) -> types.CancelParams:
    request_id = params["id"]
    return types.CancelParams(
        request_id if isinstance(request_id, str) else _integer(request_id)
    )


HOT_PARAMS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    types.TEXT_DOCUMENT_DID_CHANGE: _did_change_params,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: _inline_completion_params,
    types.CANCEL_REQUEST: _cancel_params,
}
"""The parameters of each method that comes with every key, from JSON.

Raises: LookupError, TypeError, ValueError or AttributeError where they do not parse.
"""


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
