"""The way to an endpoint, step by step: a proxy if there is one, addresses, TLS.

What goes wrong on it is told here more closely than a request can.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from foretype.addresses import is_loopback
from foretype.errors import Unreachable

TIMEOUT_S = 5.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection is made to."""

    host: str
    port: int
    is_tls: bool
    is_proxy: bool = False
    """Whether it is the proxy of the environment, which goes on from there."""

    @classmethod
    def of(cls, base_url: str) -> Self:
        """The route to a URL, as the client takes it."""
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        if not is_loopback(host) and (proxy := _proxy_of(parts.scheme, host)):
            # Nothing but its host is shown: it may hold a password.
            own = urlsplit(proxy if "//" in proxy else f"//{proxy}")
            port = own.port or _PORTS.get(own.scheme, 80)
            return cls(own.hostname or "", port, is_tls=False, is_proxy=True)
        port = parts.port or _PORTS[parts.scheme]
        return cls(host, port, is_tls=parts.scheme == "https")

    @property
    def name(self) -> str:
        """What it is called in a message."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'the proxy ' if self.is_proxy else ''}{host}:{self.port}"


async def resolve(route: Route) -> str:
    """What the host's addresses are. Raises: Unreachable."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            found = await loop.getaddrinfo(
                route.host, route.port, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError):
        raise Unreachable(
            f"there is no host {route.host!r}, or no network; {_correct(route)}"
        ) from None
    except TimeoutError:
        raise Unreachable(
            f"nobody has told the address of {route.host!r} within {TIMEOUT_S:g} s; "
            "is there a network?"
        ) from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if addresses == [route.host]:
        return f"{route.host} is an address, and needs none"
    return f"{route.host} is {', '.join(addresses)}"


async def connect(route: Route) -> str:
    """How a connection is made. Raises: Unreachable."""
    context = await asyncio.to_thread(_tls_context) if route.is_tls else None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(
                route.host, route.port, ssl=context
            )
    except TimeoutError:
        raise Unreachable(
            f"{route.name} does not answer within {TIMEOUT_S:g} s; is a firewall or "
            "a proxy in between (set HTTPS_PROXY)?"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(_untrusted(route, error)) from None
    except ssl.SSLError as error:
        raise Unreachable(
            f"{route.name} does not speak TLS as it should ({error.reason}); "
            "is it http:// in endpoint.base_url?"
        ) from None
    except OSError as error:
        raise Unreachable(
            f"nothing answers at {route.name}{_why(error)}; {_start(route)}"
        ) from None
    tls: Any = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    if route.is_proxy:
        return f"{route.name} answers, and is asked for the endpoint"
    if tls is None:
        return f"{route.name} answers, without TLS"
    return (
        f"{route.name} answers by {tls.version()}, with a certificate that is trusted"
    )


def _proxy_of(scheme: str, host: str) -> str:
    """The proxy that the environment, or the system, has for a host."""
    if urllib.request.proxy_bypass(host):
        return ""
    proxies = urllib.request.getproxies()
    return proxies.get(scheme) or proxies.get("all") or ""


def _tls_context() -> ssl.SSLContext:
    # Imported here: it brings the whole client, half a second's work.
    from foretype.connections import tls_context

    return tls_context()


def _why(error: OSError) -> str:
    """In brackets; of a host with several addresses, it is not one reason."""
    return f" ({os.strerror(error.errno).lower()})" if error.errno else ""


def _untrusted(route: Route, error: ssl.SSLCertVerificationError) -> str:
    why = error.verify_message or error.reason
    seen = f"{route.name} has a certificate that this machine does not trust ({why})"
    # As OpenSSL numbers them: expired; another host's, another address's.
    if error.verify_code == 10:
        return f"{seen}; is this machine's clock right? Else its owner must renew it"
    if error.verify_code in (62, 64):
        return f"{seen}; use the name that the certificate is for in endpoint.base_url"
    return (
        f"{seen}; add the authority that signed it to the system's, or name its file "
        "by SSL_CERT_FILE"
    )


def _correct(route: Route) -> str:
    if route.is_proxy:
        return "correct HTTPS_PROXY, or have NO_PROXY name the endpoint's host"
    return "correct endpoint.base_url, or set HTTPS_PROXY if there is a proxy"


def _start(route: Route) -> str:
    if route.is_proxy:
        return "start the proxy, or have NO_PROXY name the endpoint's host"
    if is_loopback(route.host):
        return "start the server, or correct the port in endpoint.base_url"
    return "correct endpoint.base_url, or set HTTPS_PROXY if there is a proxy"
