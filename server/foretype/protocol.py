"""JSON-RPC as pygls speaks it, made strict and quick.

Every request is answered exactly once, one that does not parse as well; what comes
with every key is decoded by hand; and nothing of a message is ever logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method

from foretype import lsp
from foretype.logs import log_crash
from foretype.transport import Output

log = logging.getLogger(__name__)

# NB: pygls logs whole messages: the text of documents.
logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Perishable:
    """A result that is of no use any more once something else has come before it.

    A message that is handled between a handler's end and the answer makes it so.
    """

    result: object
    is_fresh: Callable[[], bool]


class Protocol(LanguageServerProtocol):
    """One client's side of the conversation."""

    is_over = False
    """Whether the client has sent `exit`."""
    _is_initialized = False

    @property
    def n_unanswered(self) -> int:
        """How many requests, of either side, wait for an answer."""
        return len(self._request_futures)

    @property
    def exit_code(self) -> int:
        """What the process ends with: 0 only after a `shutdown`."""
        return 0 if self._shutdown else 1

    def receive(self, body: bytes) -> None:
        """Handles one message; never raises."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            log.warning("a message is not JSON")
            self._refuse(None, JsonRpcParseError("not JSON"))
            return
        if not isinstance(message, dict):
            log.warning("a message is not an object")
            self._refuse(None, JsonRpcInvalidRequest("not an object"))
            return
        method = message.get("method")
        msg_id = message.get("id")
        if msg_id is not None and not isinstance(msg_id, str | int):
            log.warning("a message has an id that is neither string nor integer")
            self._refuse(None, JsonRpcInvalidRequest("a bad id"))
            return
        if isinstance(method, str) and msg_id is None:
            self._receive_notification(method, message.get("params"))
        elif isinstance(method, str):
            self._receive_request(msg_id, method, message.get("params"))
        elif msg_id in self._request_futures:
            self._receive_response(msg_id, message)
        elif "result" not in message and "error" not in message:
            log.warning("a message is neither a request nor a response")
            self._refuse(msg_id, JsonRpcInvalidRequest("no method"))

    def _receive_request(self, msg_id: Any, method: str, params: Any) -> None:
        try:
            self._check_state(method)
            self._get_handler(method)
            structured = self._structure_params(method, params)
        except JsonRpcException as error:
            log.warning("request %s refused: %s", method, type(error).__name__)
            self._refuse(msg_id, error)
            return
        self._ctx_msg_id.set(msg_id)
        self._handle_request(msg_id, method, structured)

    def _receive_notification(self, method: str, params: Any) -> None:
        if method == types.EXIT:
            self.is_over = True
            return
        try:
            self._check_state(method)
            if method != types.CANCEL_REQUEST:
                self._get_handler(method)
            structured = self._structure_params(method, params)
        except JsonRpcMethodNotFound:
            return
        except JsonRpcException as error:
            log.warning("notification %s ignored: %s", method, type(error).__name__)
            return
        self._handle_notification(method, structured)

    def _receive_response(self, msg_id: Any, message: dict[str, Any]) -> None:
        self._result_types.pop(msg_id, None)
        error = message.get("error")
        if error is None:
            self._handle_response(msg_id, message.get("result"))
            return
        code = error.get("code") if isinstance(error, dict) else None
        self._handle_response(
            msg_id,
            error=types.ResponseError(
                code if isinstance(code, int) else JsonRpcInternalError.CODE,
                "the client refused",
            ),
        )

    def _check_state(self, method: str) -> None:
        """Refuses what comes before `initialize`, twice, or after `shutdown`."""
        if self._shutdown:
            raise JsonRpcInvalidRequest("the server is shutting down")
        if method == types.INITIALIZE:
            if self._is_initialized:
                raise JsonRpcInvalidRequest("initialize was sent before")
            self._is_initialized = True
        elif not self._is_initialized:
            raise JsonRpcServerNotInitialized("send initialize first")

    def _structure_params(self, method: str, params: Any) -> Any:
        """The parameters as `lsprotocol` has them; of an unknown method as they are.

        Raises: JsonRpcInvalidParams, which quotes nothing of them.
        """
        try:
            if hot := lsp.HOT_PARAMS.get(method):
                return hot(params)
            params_type: Any = types.METHOD_TO_TYPES.get(method, (None,) * 4)[2]
            if params_type is None:
                return params
            return self._converter.structure(params, params_type)
        except Exception as error:
            # A converter may raise anything; whatever it is, the input was wrong.
            log.warning("%s: bad parameters (%s)", method, type(error).__name__)
            raise JsonRpcInvalidParams(
                f"the parameters of {method} do not parse"
            ) from error

    def _refuse(self, msg_id: Any, error: JsonRpcException) -> None:
        response = {"code": error.code, "message": error.message}
        # NB: pygls would leave out the id where it is null, as it must be at times.
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": response})

    def _send_handler_result(self, future: Future[Any], *, msg_id: Any) -> None:
        """Answers a request with what its handler came to."""
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._refuse(msg_id, JsonRpcRequestCancelled("superseded or cancelled"))
            return
        error = future.exception()
        if isinstance(error, JsonRpcException):
            self._refuse(msg_id, error)
            return
        if error is None:
            result = future.result()
            if isinstance(result, Perishable):
                if not result.is_fresh():
                    self._refuse(msg_id, JsonRpcRequestCancelled("superseded"))
                    return
                result = result.result
            try:
                self._send_response(msg_id, result=result)
                return
            except Exception as unserializable:
                error = unserializable
        log_crash(log, "a request failed", error)
        self._refuse(
            msg_id,
            JsonRpcInternalError(f"{type(error).__name__}: see Foretype's log file"),
        )

    def _check_handler_result(self, future: Future[Any]) -> None:
        """Logs what a notification's handler failed on."""
        if not future.cancelled() and (error := future.exception()) is not None:
            log_crash(log, "a notification failed", error)

    def _send_data(self, data: Any) -> None:
        """Writes one message; raises where it cannot be serialized."""
        if not isinstance(self.writer, Output):
            return
        body = json.dumps(
            data, default=self._serialize_message, separators=(",", ":")
        ).encode()
        self.writer.send(body)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        # pygls takes the first encoding that the client names.
        general = params.capabilities.general
        if general is not None and general.position_encodings is not None:
            general.position_encodings = [
                lsp.choose_encoding(general.position_encodings)
            ]
        return (yield from super().lsp_initialize(params))

    # pygls keeps documents of its own, which it would split and join at every key.

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_OPEN](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE](params)
