"""The least that pygls alone makes of an inline completion server: the yardstick.

Its documents, its transport and its converter are pygls' own, and its handler answers
a constant, so whatever a real server does more would come on top.
"""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("stock", "1")


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
async def inline_completion(
    ls: LanguageServer, params: types.InlineCompletionParams
) -> types.InlineCompletionList:
    at = types.Range(params.position, params.position)
    return types.InlineCompletionList([types.InlineCompletionItem("pass", range=at)])


if __name__ == "__main__":
    server.start_io()
