"""Every error this package raises on purpose.

    ForetypeError
    ├── UsageError              the command line was asked for something impossible
    ├── HubError                a model cannot be fetched from a hub
    ├── StatsError              the file of counts cannot be read or written
    └── ModelError              no completion could be had from the model
        ├── LocalModelError     the built-in model cannot be found, checked or started
        ├── Unreachable         no connection, or it broke before the first byte
        ├── KeyRefused          HTTP 401 or 403
        ├── ModelNotFound       HTTP 404, or 400 for the model's name
        ├── NotSupported        the endpoint cannot do what the settings ask of it
        ├── RateLimited         HTTP 429
        └── BadAnswer           any other status, or a stream that makes no sense

A message is one sentence without a full stop, names what is wrong and the way out,
and never holds a key or text of a document: it may be logged and shown.
"""

from __future__ import annotations


class ForetypeError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(ForetypeError):
    """The command line was asked for something that cannot be done."""


class HubError(ForetypeError):
    """A model cannot be fetched from a hub."""


class StatsError(ForetypeError):
    """The file of counts cannot be read or written."""


class ModelError(ForetypeError):
    """No completion could be had from the model."""


class LocalModelError(ModelError):
    """The built-in model cannot be found, checked or started, or it died."""


class Unreachable(ModelError):
    """The endpoint cannot be connected to, or the connection broke."""


class KeyRefused(ModelError):
    """The endpoint answered 401 or 403."""


class ModelNotFound(ModelError):
    """The endpoint has no such model, or no such path."""


class NotSupported(ModelError):
    """The endpoint says that it cannot do what the settings ask of it."""


class RateLimited(ModelError):
    """The endpoint answered 429."""

    def __init__(self, message: str, retry_after_s: float = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """How long it wants to be left alone; 0 where it does not say."""


class BadAnswer(ModelError):
    """The endpoint answered something that is not a completion."""
