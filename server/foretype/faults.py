"""What an endpoint's faults mean to a person, without what it quotes.

Imports the `openai` package, as `endpoint` does.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from foretype.errors import (
    BadAnswer,
    KeyRefused,
    ModelError,
    ModelNotFound,
    NotSupported,
    RateLimited,
    Unreachable,
)
from foretype.request import Endpoint
from foretype.wire import Wire

# A longer wait is more likely a limit of a day, which may be raised meanwhile.
MAX_RETRY_AFTER_S = 600.0
# What is short and has no spaces is a name, which quotes nothing.
_NAME = re.compile(r"[\w.\[\]-]{1,60}")
# Some answer 400 where others answer 404: Mistral, DeepSeek, OpenRouter, Together.
_NO_MODEL = re.compile(
    r"\b(model_not_found|invalid_model|model_not_available)\b"
    r"|\bmodel not exist\b|\bis not a valid model\b|\binvalid model\b"
)
_RATE_LIMITS = ("429", "rate_limit_exceeded", "rate_limit_error", "rate_limited")
# As Go writes it: 2m59.56s.
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")


def of_error(error: openai.OpenAIError, endpoint: Endpoint, wire: Wire) -> ModelError:
    """What an error of the package means."""
    where = endpoint.name
    if isinstance(error, openai.APIConnectionError):
        return _of_connection(error, where)
    if not isinstance(error, openai.APIStatusError):
        return BadAnswer(f"{where} broke off its answer ({type(error).__name__})")
    status = error.status_code
    said = _message(error.body).lower()
    for phrase, meaning in wire.refusals.items():
        if phrase in said:
            return NotSupported(f"{where} {meaning} (HTTP {status})")
    if status in (401, 403):
        return KeyRefused(
            f"{where} refused the API key (HTTP {status}); put the right one into "
            f"the variable {endpoint.settings.api_key_env} (endpoint.api_key_env), "
            "and restart"
        )
    if status == 404 or (status in (400, 422) and _NO_MODEL.search(said)):
        return ModelNotFound(
            f"{where} knows no model {endpoint.model!r} or no such path "
            f"(HTTP {status}); check endpoint.model, endpoint.wire and the /v1 of "
            "endpoint.base_url"
        )
    if status == 429:
        resets = endpoint.settings.rate_limit_reset_headers
        return RateLimited(
            f"{where} limits the rate of requests (HTTP 429)",
            retry_after_s(error.response.headers, resets, datetime.now(UTC)),
        )
    return BadAnswer(f"{where} answered HTTP {status}{_names(error.body)}")


def of_reported(error: object, endpoint: Endpoint) -> ModelError:
    """What an error means that stands in the stream."""
    code = _field(error, "code")
    if code in _RATE_LIMITS:
        return RateLimited(f"{endpoint.name} limits the rate of requests ({code})")
    kind = code or _field(error, "type")
    told = f"the error {kind!r}" if kind else "an error"
    return BadAnswer(f"{endpoint.name} broke off its answer: it reported {told}")


def retry_after_s(
    headers: Mapping[str, str], resets: Sequence[str], now: datetime
) -> float:
    """How long an endpoint wants to be left alone; 0 where it does not say.

    `resets` are the headers that say when a limit is lifted. Which of them was met is
    told by the header beside it that says how much remains.
    """
    try:
        if in_ms := headers.get("retry-after-ms"):
            wait_s = float(in_ms) / 1000
        elif (said := headers.get("retry-after", "")) and ":" in said:
            wait_s = (parsedate_to_datetime(said) - now).total_seconds()
        elif said:
            wait_s = _duration_s(said)
        else:
            wait_s = _reset_s(headers, resets)
    except (ValueError, TypeError):
        return 0
    return min(wait_s, MAX_RETRY_AFTER_S) if wait_s > 0 else 0


def _reset_s(headers: Mapping[str, str], resets: Sequence[str]) -> float:
    lifted_s = {
        name: _duration_s(headers[name]) for name in resets if headers.get(name)
    }
    met_s = [
        wait_s
        for name, wait_s in lifted_s.items()
        if headers.get(name.replace("reset", "remaining"), "").strip() == "0"
    ]
    return max(met_s) if met_s else min(lifted_s.values(), default=0)


def _duration_s(said: str) -> float:
    """Seconds, as a number or as Go writes a duration. Raises: ValueError."""
    said = said.strip()
    found = _DURATION.fullmatch(said)
    if not found or not said:
        return float(said)
    hours, minutes, seconds, ms = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + ms / 1000


def _of_connection(error: openai.APIConnectionError, where: str) -> Unreachable:
    if _is_untrusted(error):
        return Unreachable(
            f"{where} has a certificate that this machine does not trust; add the "
            "authority that signed it to the system's, or name its file by "
            "SSL_CERT_FILE"
        )
    return Unreachable(
        f"{where} cannot be reached, or it closed the connection; is it running, "
        "and is endpoint.base_url right?"
    )


def _is_untrusted(error: BaseException) -> bool:
    """Whether it was the endpoint's certificate that a connection failed on."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _message(body: object) -> str:
    """All that an error says, in whichever shape it comes; it may quote the prompt."""
    if not isinstance(body, Mapping):
        return str(body) if body else ""
    parts = [body.get(name) for name in ("code", "type", "message", "detail")]
    return " ".join(str(part) for part in parts if part)


def _names(body: object) -> str:
    """The error's code, and the field it is about, in brackets."""
    names = [name for key in ("code", "type", "param") if (name := _field(body, key))]
    return f" ({', '.join(dict.fromkeys(names))})" if names else ""


def _field(error: object, name: str) -> str:
    """A field of an error if it is a name; a message may quote the prompt."""
    value: Any = error.get(name) if isinstance(error, Mapping) else None
    return str(value) if value and _NAME.fullmatch(str(value)) else ""
