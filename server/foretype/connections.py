"""The connections to one endpoint: stamped when they are had, and opened beforehand.

A stream that is left takes its HTTP/1.1 connection with it, and the next one over TLS
costs two round trips and more. So some are kept open that nobody uses yet.

Imports `aiohttp` and the `openai` package, as `endpoint` does.
"""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
import truststore
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from openai import DefaultAioHttpClient
from yarl import URL

from foretype.addresses import is_loopback
from foretype.timeline import Stage, Timeline

# A connection is kept this long between two requests. The default, 5 s, is shorter
# than many a pause to think, and a new one costs two round trips and more.
KEEP_ALIVE_S = 300.0
CONNECT_TIMEOUT_S = 5.0
# Two generations and one evaluation ahead for each of a few documents.
MAX_CONNECTIONS = 16
# As many streams as may follow a document at once: each may be left by the next key.
N_SPARE = 2

request_timeline: ContextVar[Timeline] = ContextVar("request_timeline")
"""That of the request which the running task makes."""


def tls_context() -> ssl.SSLContext:
    """Trusts the system's authorities, a company's own and those of `SSL_CERT_FILE`."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class HttpClient(DefaultAioHttpClient):
    """The package's client for one endpoint, which notes when it has a connection."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        is_local = is_loopback(parts.hostname or "")
        self._url = URL(base_url)
        # Opening one to this machine takes no time, unless it speaks TLS.
        self._keeps_spares = not is_local or parts.scheme == "https"
        self._opening: set[asyncio.Task[None]] = set()
        super().__init__(
            verify=tls_context(),
            limits=httpx2.Limits(
                max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S
            ),
            # A redirect could carry the key and the text to another host.
            follow_redirects=False,
            # A proxy of the environment is not for this machine's own servers.
            trust_env=not is_local,
        )

    def keep_spares(self) -> None:
        """Begins to open as many connections as are to be there unused."""
        if not self._keeps_spares or self.is_closed:
            return
        transport = self._transport_for_url(httpx2.URL(str(self._url)))
        if transport is not self._transport:
            # It goes through a proxy, which keeps connections of its own.
            return
        connector = self._session().connector
        assert isinstance(connector, _Connector)
        n_missing = N_SPARE - connector.n_idle(self._url) - len(self._opening)
        for _ in range(n_missing):
            opening = asyncio.create_task(connector.open(self._url), name="spare")
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def aclose(self) -> None:
        for opening in self._opening:
            opening.cancel()
        if self._opening:
            await asyncio.wait(self._opening)
        await super().aclose()
        # The transport knows of it only once there was a request.
        if self._made is not None:
            await self._made.close()

    def _init_transport(self, *args: Any, **options: Any) -> Any:
        transport: Any = super()._init_transport(*args, **options)
        # NB: The transport makes its session once it runs in an event loop.
        transport.client = self._session
        self._ssl = transport.ssl_context
        self._made: aiohttp.ClientSession | None = None
        return transport

    def _session(self) -> aiohttp.ClientSession:
        if self._made is None:
            connector = _Connector(
                ssl=self._ssl, limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S
            )
            self._made = aiohttp.ClientSession(
                connector=connector, trace_configs=[_TRACE]
            )
        return self._made


class _Connector(aiohttp.TCPConnector):
    """A pool that connections can be put into before a request needs one."""

    def n_idle(self, url: URL) -> int:
        """How many are there that no request uses."""
        key = _request(url).connection_key
        kept = self._conns.get(key, ())
        return sum(protocol.is_connected() for protocol, _ in kept)

    async def open(self, url: URL) -> None:
        """Opens one; where it cannot be, the next request tells why."""
        request = _request(url)
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S)
        try:
            protocol: ResponseHandler = await self._create_connection(
                request, [], timeout
            )
        except (aiohttp.ClientError, OSError, TimeoutError):
            return
        if self.closed:
            protocol.close()
            return
        loop = asyncio.get_running_loop()
        # As a request does that is done with it.
        Connection(self, request.connection_key, protocol, loop).release()


def _request(url: URL) -> aiohttp.ClientRequest:
    return aiohttp.ClientRequest("GET", url, loop=asyncio.get_running_loop())


async def _connected(*_: object) -> None:
    if timeline := request_timeline.get(None):
        timeline.stamp(Stage.CONNECTED)


_TRACE = aiohttp.TraceConfig()
_TRACE.on_connection_create_end.append(_connected)
_TRACE.on_connection_reuseconn.append(_connected)
