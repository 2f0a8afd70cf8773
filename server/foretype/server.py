"""The language server: one handler a method, and what the editor is told."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter
from pygls.uris import to_fs_path

from foretype import __version__, layers, logs, lsp, stats_keeper, transport
from foretype.answer import Answer
from foretype.document import Document, Snapshot
from foretype.layers import Layer
from foretype.logs import log_crash
from foretype.protocol import Perishable, Protocol
from foretype.reason import OFF, Reason
from foretype.session import Session
from foretype.stats_keeper import Keeper
from foretype.status import Kind, Status, of_error, off, ready
from foretype.transport import Output, Writer

log = logging.getLogger(__name__)

# Files that say what is never sent (`exclusions`).
IGNORE_FILES = "**/{.gitignore,.foretypeignore,.foretype.toml}"
NOTEBOOK_CELL = "vscode-notebook-cell:"

# What a client over the network may have open in all: a document of no text is counted
# as one of some, as it takes memory too.
MAX_OPEN_CHARS = 100_000_000
MIN_DOCUMENT_CHARS = 10_000
MAX_UNANSWERED = 1_000

_LOG_LEVELS = {
    Kind.NORMAL: logging.INFO,
    Kind.WARNING: logging.WARNING,
    Kind.ERROR: logging.WARNING,
    Kind.INACTIVE: logging.INFO,
}
_OPTIONS = {
    types.TEXT_DOCUMENT_DID_SAVE: types.SaveOptions(include_text=False),
    types.TEXT_DOCUMENT_INLINE_COMPLETION: types.InlineCompletionOptions(),
}


class Server(LanguageServer):
    """Speaks with one client; everything that lasts is in the session."""

    protocol: Protocol

    def __init__(self, session: Session, *, is_remote: bool = False) -> None:
        super().__init__(
            "foretype",
            __version__,
            protocol_cls=Protocol,
            converter_factory=default_converter,
        )
        self.session = session
        self._is_remote = is_remote
        self._encoding = types.PositionEncodingKind.Utf16
        self._is_configured_by_client = False
        self._can_extend = False
        self._folders: dict[str, None] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._is_stopped = asyncio.Event()
        # What is told of the model, and what was told last.
        self._model_status: Status | None = None
        self._last_status: Status | None = None
        self._failed_id = 0
        self._last_reason: Reason | None = None
        handlers: dict[str, Callable[..., Any]] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._did_change_configuration,
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self._did_change_folders,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: self._did_change_files,
            types.TEXT_DOCUMENT_DID_OPEN: self._did_open,
            types.TEXT_DOCUMENT_DID_CHANGE: self._did_change,
            types.TEXT_DOCUMENT_DID_SAVE: self._did_save,
            types.TEXT_DOCUMENT_DID_CLOSE: self._did_close,
            types.TEXT_DOCUMENT_INLINE_COMPLETION: self._inline_completion,
            lsp.DID_SHOW_COMPLETION: self._did_show_completion,
            lsp.DID_PARTIALLY_ACCEPT_COMPLETION: self._did_partially_accept_completion,
            lsp.DID_FOCUS: self._did_focus,
            lsp.DID_DIAGNOSE: self._did_diagnose,
            lsp.EXPLAIN: self._explain,
        }
        # NB: pygls sets attributes on what it registers; a bound method has none.
        for method, handler in handlers.items():
            self.feature(method, _OPTIONS.get(method))(partial(handler))
        self.command(lsp.ACCEPT_COMMAND)(partial(self._accept))
        self.command(lsp.EXPLAIN_COMMAND)(partial(self._show_explanation))

    async def serve_stdio(self) -> int:
        """Serves standard input until it ends; returns the process' exit code."""
        stdin, stdout = transport.take_standard_streams()
        logs.to_editors()
        reader = await transport.open_reader(stdin)
        writer = await Writer.open(stdout)
        transport.on_signals(self.stop)
        await self.converse(transport.messages(reader), writer)
        return self.protocol.exit_code

    async def converse(self, bodies: AsyncIterator[bytes], output: Output) -> None:
        """Serves one client until it ends, or is told to; leaves nothing behind."""
        logs.current_editor.set(self._log_message)
        self.protocol.set_writer(cast(Any, output))
        self._in_background(self._tell_statuses())
        keeper = Keeper(self.session.stats, stats_keeper.default_file())
        keeper.start()
        ends = [
            asyncio.create_task(self._read(bodies)),
            asyncio.create_task(output.is_closed.wait()),
            asyncio.create_task(self._is_stopped.wait()),
        ]
        try:
            await asyncio.wait(ends, return_when="FIRST_COMPLETED")
        finally:
            for task in (*ends, *self._background):
                task.cancel()
            log.info("suggestions: %s", self.session.engine.suggestions.summary())
            await self.session.close()
            await keeper.close()
            output.close()
            await output.wait_closed()

    def stop(self) -> None:
        """Has the conversation end."""
        # NB: Cancelled where it ends already, it would leave things behind.
        self._is_stopped.set()

    async def _read(self, bodies: AsyncIterator[bytes]) -> None:
        async for body in bodies:
            try:
                self.protocol.receive(body)
            except Exception as error:
                # One message must not end the conversation.
                log_crash(log, "a message failed", error)
            if self.protocol.is_over:
                return
            if self._is_remote and self._has_too_much:
                log.error("a client that leaves too much open is left")
                return
            # NB: A request's handler takes its snapshot when its task first runs; the
            # next message, perhaps a change, must not come before that.
            await asyncio.sleep(0)

    @property
    def _has_too_much(self) -> bool:
        """Whether a client takes more memory than an editor ever needs."""
        n_chars = sum(
            document.n_chars + MIN_DOCUMENT_CHARS
            for document in self.session.documents.values()
        )
        return n_chars > MAX_OPEN_CHARS or self.protocol.n_unanswered > MAX_UNANSWERED

    # Life of the connection

    def _initialize(self, params: types.InitializeParams) -> None:
        capabilities = params.capabilities
        if capabilities.general is not None:
            self._encoding = lsp.choose_encoding(
                capabilities.general.position_encodings
            )
        if params.client_info is not None:
            defaults = lsp.defaults_for(params.client_info.name)
            self.session.set_defaults(Layer("what suits the editor", defaults))
        self._can_extend = lsp.can_extend(capabilities)
        layer, problems = layers.json_layer(
            "initializationOptions",
            params.initialization_options,
            is_remote=self._is_remote,
        )
        self.session.configure(layer, problems)
        if self.session.settings.editor.popup:
            options = types.CompletionOptions(trigger_characters=lsp.TRIGGER_CHARACTERS)
            self.feature(types.TEXT_DOCUMENT_COMPLETION, options)(
                partial(self._completion)
            )
        roots = [folder.uri for folder in params.workspace_folders or ()]
        self._use_folders(roots or [params.root_uri or ""])
        workspace = capabilities.workspace
        self._is_configured_by_client = bool(workspace and workspace.configuration)
        if not self._is_configured_by_client:
            # After the answer has been written: it must not wait for the model.
            asyncio.get_running_loop().call_soon(self._use_settings)

    async def _initialized(self, params: types.InitializedParams) -> None:
        workspace = self.client_capabilities.workspace
        watched = workspace and workspace.did_change_watched_files
        if watched and watched.dynamic_registration:
            self._in_background(self._watch_files())
        if not self._is_configured_by_client:
            return
        changes = workspace and workspace.did_change_configuration
        if changes and changes.dynamic_registration:
            self._in_background(self._watch_configuration())
        await self._pull_configuration()

    async def _did_change_configuration(
        self, params: types.DidChangeConfigurationParams
    ) -> None:
        if self._is_configured_by_client:
            await self._pull_configuration()
        elif isinstance(params.settings, dict):
            self._configure(params.settings.get("foretype"))

    # The workspace

    def _use_folders(self, uris: Iterable[str]) -> None:
        self._folders = dict.fromkeys(uris)
        self.session.use_folders(filter(None, map(_path, self._folders)))

    def _did_change_folders(
        self, params: types.DidChangeWorkspaceFoldersParams
    ) -> None:
        gone = {folder.uri for folder in params.event.removed}
        kept = [uri for uri in self._folders if uri not in gone]
        self._use_folders([*kept, *(folder.uri for folder in params.event.added)])

    def _did_change_files(self, params: types.DidChangeWatchedFilesParams) -> None:
        paths = [_path(change.uri) for change in params.changes]
        self.session.files_changed([path for path in paths if path])

    async def _watch_files(self) -> None:
        # Imported here, as the answer to `initialize` must not wait for it.
        from foretype.definitions import EXTENSIONS

        patterns = (IGNORE_FILES, f"**/*.{{{','.join(EXTENSIONS)}}}")
        watchers = [types.FileSystemWatcher(glob_pattern=p) for p in patterns]
        await self._register(
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
            types.DidChangeWatchedFilesRegistrationOptions(watchers),
            "the client does not tell of files that change",
        )

    # Documents

    def _did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        opened = params.text_document
        self.session.open(
            Document(opened.uri, opened.language_id, opened.version, opened.text),
            _path(opened.uri),
        )

    def _did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self.session.documents.get(params.text_document.uri)
        if document is None:
            log.warning("didChange of a document that is not open")
            return
        document.version = params.text_document.version
        made = [
            lsp.apply(document, change, self._encoding)
            for change in params.content_changes
        ]
        self.session.edited(document, made)

    def _did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        document = self.session.documents.get(params.text_document.uri)
        if document and params.text is not None:
            self.session.edited(document, [document.replace_all(params.text)])

    def _did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self.session.close_document(params.text_document.uri)

    # Completions

    async def _inline_completion(
        self, asked: lsp.Asked
    ) -> types.InlineCompletionList | Perishable:
        params = asked.params
        document = self.session.documents.get(params.text_document.uri)
        if document is None:
            return types.InlineCompletionList([])
        document.indent = asked.indent
        snapshot, position = self._snapshot(document, params.position)
        info = params.context.selected_completion_info
        selected = None
        if info is not None:
            selected = lsp.Selected(info.range, info.text)
            snapshot = lsp.with_selected(snapshot, selected, document, self._encoding)
        kind = params.context.trigger_kind
        answer = await self._complete(
            snapshot,
            is_invoked=kind is types.InlineCompletionTriggerKind.Invoked,
            may_grow=self._can_extend,
        )
        result = lsp.inline_completion_list(
            answer.completions, snapshot, position, self._encoding, selected
        )
        return self._perishable(result, document, answer)

    async def _completion(
        self, params: types.CompletionParams
    ) -> types.CompletionList | Perishable:
        document = self.session.documents.get(params.text_document.uri)
        if document is None:
            return types.CompletionList(is_incomplete=True, items=[])
        snapshot, position = self._snapshot(document, params.position)
        answer = await self._complete(snapshot)
        result = lsp.completion_list(
            answer.completions, snapshot, position, self._encoding
        )
        return self._perishable(result, document, answer)

    def _snapshot(
        self, document: Document, position: types.Position
    ) -> tuple[Snapshot, types.Position]:
        """The view at a position, and the position as it is within the text."""
        # A client that has not sent its settings yet is not waited for any longer.
        self._use_settings()
        offset = lsp.offset(document, position, self._encoding)
        snapshot = self.session.snapshot(document, offset)
        return snapshot, lsp.position(document, offset, self._encoding)

    async def _complete(
        self, snapshot: Snapshot, *, is_invoked: bool = False, may_grow: bool = False
    ) -> Answer:
        try:
            answer = await self.session.complete(
                snapshot, is_invoked=is_invoked, may_grow=may_grow
            )
        except Exception as error:
            # An empty list beats an error: an error is a popup at every key.
            log_crash(log, "a completion failed", error)
            return Answer()
        self._report(answer)
        return answer

    def _perishable(
        self, result: object, document: Document, answer: Answer
    ) -> Perishable:
        """A result for a document as it is now."""
        revision = document.revision

        def is_fresh() -> bool:
            return (
                document.revision == revision
                and self.session.documents.get(document.uri) is document
            )

        if self._can_extend and answer.completions:
            self._in_background(self._tell_of_growth(document, answer, is_fresh))
        return Perishable(result, is_fresh)

    async def _tell_of_growth(
        self, document: Document, answer: Answer, is_fresh: Callable[[], bool]
    ) -> None:
        """Has the client ask again once there is more of what it shows."""
        if await self.session.engine.grown(answer) and is_fresh():
            self.protocol.notify(
                lsp.DID_EXTEND, {"uri": document.uri, "version": document.version}
            )

    # What became of completions

    def _accept(self, completion_id: int) -> None:
        log.info("completion %d was accepted", completion_id)
        self.session.engine.suggestions.accepted(completion_id)

    def _did_show_completion(self, completion_id: int) -> None:
        self.session.engine.shown(completion_id)

    def _did_partially_accept_completion(self, part: lsp.AcceptedPart) -> None:
        self.session.engine.suggestions.partly_accepted(part.item_id, part.n_chars)

    def _did_diagnose(self, diagnosed: lsp.Diagnosed) -> None:
        self.session.context.diagnosed(diagnosed.uri, diagnosed.problems)

    def _did_focus(self, uri: str | None) -> None:
        if uri is not None:
            self.session.focused(uri)

    # Why there is nothing

    def _explain(self, uri: str) -> dict[str, str]:
        said = self.session.explain(uri)
        if self._last_status is not None:
            said += f"\n- Status: {self._last_status.message}"
        return {"message": said}

    def _show_explanation(self, uri: str) -> None:
        """For editors that can run a command but draw nothing of ours."""
        self._show(self._explain(uri)["message"], types.MessageType.Info)

    # Settings

    def _configure(self, values: object) -> None:
        layer, problems = layers.json_layer(
            "workspace/configuration", values, is_remote=self._is_remote
        )
        self.session.configure(layer, problems)
        self._use_settings()

    def _use_settings(self) -> None:
        self.session.use_settings()
        if problems := self.session.new_problems():
            for problem in problems:
                log.warning("%s", problem)
            self._show("\n".join(problems))

    async def _pull_configuration(self) -> None:
        params = types.ConfigurationParams(
            [types.ConfigurationItem(section="foretype")]
        )
        try:
            answers = await self.workspace_configuration_async(params)
        except JsonRpcException:
            log.warning("the client did not answer workspace/configuration")
            answers = []
        self._configure(answers[0] if answers else None)

    async def _watch_configuration(self) -> None:
        await self._register(
            types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            {"section": "foretype"},
            "the client does not announce changes of its settings",
        )

    async def _register(self, method: str, options: object, refused: str) -> None:
        """Asks the client to send a notification."""
        registration = types.Registration(f"foretype {method}", method, options)
        try:
            await self.client_register_capability_async(
                types.RegistrationParams([registration])
            )
        except JsonRpcException:
            log.warning("%s", refused)

    # What the editor is told

    def _report(self, answer: Answer) -> None:
        """Says what keeps suggestions from showing, once until it is something else."""
        error = answer.error
        if answer.reason is not self._last_reason:
            self._last_reason = answer.reason
            if answer.reason is not None:
                log.info("nothing is shown, because %s", answer.reason.says)
        generation = answer.generation
        if generation is not None and error is not None:
            self._failed_id = generation.id
            self._model_status = of_error(error, datetime.now())
        elif generation is not None and generation.id > self._failed_id:
            # What was remembered from before says nothing about the endpoint now.
            self._model_status = ready(self.session.settings.model_name)
        if answer.reason in OFF:
            self._tell(off(answer.reason.says))
        elif self._model_status is not None:
            self._tell(self._model_status)

    async def _tell_statuses(self) -> None:
        """Tells what becomes of the model, loading it as progress."""
        token: str | None = None
        while True:
            status = await self.session.models.statuses.get()
            self._model_status = status
            self._tell(status)
            if token is not None:
                end = types.WorkDoneProgressEnd(message=status.message)
                self.work_done_progress.end(token, end)
            token = await self._begin_progress(status.message) if status.busy else None

    async def _begin_progress(self, message: str) -> str | None:
        """The token of a progress that the client shows; None where it shows none."""
        window = self.client_capabilities.window
        if not window or not window.work_done_progress:
            return None
        token = str(uuid.uuid4())
        try:
            await self.work_done_progress.create_async(token)
        except JsonRpcException:
            return None
        begin = types.WorkDoneProgressBegin(title=f"Foretype: {message}")
        self.work_done_progress.begin(token, begin)
        return token

    def _tell(self, status: Status) -> None:
        """Tells a status that is news: in the log, to the client, in a message."""
        if status == self._last_status:
            return
        self._last_status = status
        log.log(_LOG_LEVELS[status.kind], "%s", status.message)
        self.protocol.notify(
            "didChangeStatus",
            {
                "kind": status.kind.value,
                "message": status.message,
                "busy": status.busy,
            },
        )
        if status.kind is Kind.ERROR and not self.session.has_reported(status.detail):
            self._show(status.detail)

    def _log_message(self, level: int, message: str) -> None:
        kind = types.MessageType.Warning
        if level >= logging.ERROR:
            kind = types.MessageType.Error
        self.window_log_message(types.LogMessageParams(kind, f"Foretype: {message}"))

    def _show(
        self, message: str, kind: types.MessageType = types.MessageType.Warning
    ) -> None:
        self.window_show_message(types.ShowMessageParams(kind, f"Foretype: {message}"))

    def report_server_error(
        self, error: Exception, source: type[PyglsError] | type[JsonRpcException]
    ) -> None:
        """Called by pygls; it would show a popup."""
        log_crash(log, f"pygls reported {source.__name__}", error)

    def _in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _path(uri: str) -> Path | None:
    """The file that a URI names, if it names one, or the notebook that a cell is of."""
    if uri.startswith(NOTEBOOK_CELL):
        # VS Code tells the cells of a notebook apart by what comes after the path.
        uri = "file:" + uri.removeprefix(NOTEBOOK_CELL).partition("#")[0]
    if not uri.startswith("file:"):
        return None
    name = to_fs_path(uri)
    # A notebook that was never saved has a name but no folder.
    return Path(name) if name and Path(name).is_absolute() else None
