"""Every setting: its key, type, default, unit and description.

The dataclasses are the single source: docs/settings.md and the names in JSON and in the
environment are derived from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# The families `templates` knows by name; a test keeps the two equal.
TEMPLATES = (
    "auto",
    "none",
    "suffix",
    "qwen",
    "codegemma",
    "granite",
    "starcoder2",
    "starcoder",
    "codellama",
    "deepseek",
    "codestral",
    "mellum",
    "seed-coder",
    "santacoder",
    "refact",
    "codegeex",
    "aixcoder",
    "glm",
)

# What is sent of the text before the cursor where the settings do not say. An endpoint
# reads it once, then serves it from its cache; a CPU needs seconds for every thousand.
ENDPOINT_PREFIX_TOKENS = 3_000
LOCAL_PREFIX_TOKENS = 1_800
MIN_PREFIX_TOKENS = 64


def _setting(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    never_from_editor: bool = False,
) -> Any:
    """A field with what the documentation and the check of its value need."""
    return field(
        default=default,
        metadata={
            "description": description,
            "minimum": minimum,
            "maximum": maximum,
            "choices": tuple(choices),
            "never_from_editor": never_from_editor,
        },
    )


@dataclass(frozen=True)
class EndpointSettings:
    """Where completions come from."""

    provider: str = _setting(
        "auto",
        '`"local"` is the built-in model, `"openai-compatible"` the server at '
        '`base_url`; `"auto"` is the second when `base_url` is set, else the first.',
        choices=("auto", "local", "openai-compatible"),
    )
    base_url: str = _setting(
        "",
        "URL of an OpenAI-compatible API, up to and with its `/v1`.",
    )
    model: str = _setting("", "The model's name, as the endpoint knows it.")
    wire: str = _setting(
        "completions",
        '`"completions"` posts to `/completions` (models that fill in the middle, and '
        'base models), `"chat"` to `/chat/completions`.',
        choices=("completions", "chat"),
    )
    template: str = _setting(
        "auto",
        'How a `"completions"` model is told the text after the cursor: the markers '
        'of a model family; `"auto"` goes by the model\'s name, `"suffix"` uses the '
        'request\'s own field, `"none"` sends only the text before the cursor.',
        choices=TEMPLATES,
    )
    api_key_env: str = _setting(
        "FORETYPE_API_KEY",
        "Name of the environment variable that holds the API key.",
    )
    api_key_command: tuple[str, ...] = _setting(
        (),
        "A program and its arguments that print the API key, asked when the variable "
        "is not set. Read from `config.toml` and the environment only, so that no "
        "folder opened in an editor can run a command.",
        never_from_editor=True,
    )
    bills_after_disconnect: bool = _setting(
        False,
        "Whether the provider charges for the whole answer although the connection was "
        "closed. Then one stream runs for a document instead of two, and nothing is "
        "asked ahead.",
    )
    timeout_ms: int = _setting(
        15_000,
        "A generation that is still running after this long is ended.",
        minimum=500,
        maximum=600_000,
    )
    usd_per_million_input_tokens: float = _setting(
        0.0,
        "What the provider charges for what is sent, in US dollars, so that "
        "`foretype stats` can tell the cost; 0 is not known.",
        minimum=0,
        maximum=10_000,
    )
    usd_per_million_output_tokens: float = _setting(
        0.0,
        "The same for what the model writes.",
        minimum=0,
        maximum=10_000,
    )


@dataclass(frozen=True)
class LocalSettings:
    """The built-in model: a llama.cpp server in a process of its own."""

    model_path: str = _setting(
        "",
        "A GGUF file to use instead of the built-in weights (Gemma 3 270M).",
        never_from_editor=True,
    )
    n_threads: int = _setting(
        0,
        "CPU threads to compute with; 0 chooses for the machine.",
        minimum=0,
        maximum=256,
    )
    n_ctx_tokens: int = _setting(
        4096,
        "Context size of each document's cache slot.",
        minimum=512,
        maximum=131_072,
    )


@dataclass(frozen=True)
class CompletionSettings:
    """What is asked for, and how much."""

    enabled: bool = _setting(True, "Whether anything is suggested at all.")
    disabled_languages: tuple[str, ...] = _setting(
        (),
        "Language identifiers, as editors name them (`markdown`, `plaintext`), for "
        "which nothing is suggested.",
    )
    disabled_files: tuple[str, ...] = _setting(
        (),
        "Patterns of file names or of whole paths (`*.csv`, `*/secrets/*`) for which "
        "nothing is suggested.",
    )
    max_document_chars: int = _setting(
        20_000_000,
        "In a longer document nothing is suggested.",
        minimum=1_000,
        maximum=1_000_000_000,
    )
    debounce_ms: int = _setting(
        0,
        "How long no key must have come before the endpoint is asked. Only for "
        "endpoints that bill by the request: what is known already, or asked for by "
        "hand, never waits.",
        minimum=0,
        maximum=5_000,
    )
    ask_ahead: bool = _setting(
        True,
        "Whether what comes after a suggestion is asked for while it is on the screen, "
        "so that it is there once the suggestion is accepted.",
    )
    max_tokens_line: int = _setting(
        64,
        "Most tokens asked for where a line is completed.",
        minimum=1,
        maximum=4096,
    )
    max_tokens_block: int = _setting(
        192,
        "Most tokens asked for where a block is completed.",
        minimum=1,
        maximum=4096,
    )
    prefix_tokens: int = _setting(
        0,
        "Most tokens of the text before the cursor that are sent; 0 is 3000, and 1800 "
        "for the built-in model, which takes seconds to read more.",
        minimum=0,
        maximum=100_000,
    )
    suffix_tokens: int = _setting(
        600,
        "Most tokens of the text after the cursor that are sent, to models that can "
        "use it and are told it first, so that it is the same from key to key.",
        minimum=0,
        maximum=100_000,
    )
    last_suffix_tokens: int = _setting(
        64,
        "The same for models that are told it last: all of it comes behind what "
        "changes with every key, so that no cache of the endpoint's serves it.",
        minimum=0,
        maximum=100_000,
    )


@dataclass(frozen=True)
class ContextSettings:
    """Text from elsewhere that prompts are told, gathered while nobody types."""

    recent_edits: bool = _setting(
        False, "Whether it has what was changed last, in all files, as small diffs."
    )
    similar: bool = _setting(
        False,
        "Whether it has parts of open files that are like the text at the cursor.",
    )
    definitions: bool = _setting(
        False,
        "Whether it has definitions of names near the cursor, from all files of the "
        "workspace, which a process of the lowest priority reads.",
    )
    counterpart: bool = _setting(
        False,
        "Whether it has parts of the file that goes with this one: a source's test, a "
        "test's source, a header's code.",
    )
    cells: bool = _setting(
        False, "Whether it has the other cells of a notebook, as far as they are open."
    )
    diagnostics: bool = _setting(
        False,
        "Whether it has what compilers say about the lines at the cursor, from editors "
        "that share it.",
    )
    max_tokens: int = _setting(
        800,
        "Most tokens of such text.",
        minimum=50,
        maximum=100_000,
    )

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to gather."""
        return (
            self.recent_edits
            or self.similar
            or self.definitions
            or self.counterpart
            or self.cells
            or self.diagnostics
        )


@dataclass(frozen=True)
class EditorSettings:
    """What suggestions look like to the editor; the defaults go by its name."""

    range_start: str = _setting(
        "cursor",
        'Where the range that a suggestion replaces begins: at the `"cursor"`, or at '
        'the beginning of the `"line"`, whose text is then repeated in the suggestion. '
        'In VS Code the default is `"line"`.',
        choices=("cursor", "line"),
    )
    range_end: str = _setting(
        "cursor",
        'Where that range ends: at the `"cursor"`, or behind the closing brackets and '
        'quotes in the `"rest"` of the line that the suggestion writes again. In VS '
        'Code the default is `"rest"`.',
        choices=("cursor", "rest"),
    )
    popup: bool = _setting(
        False,
        "Whether suggestions are offered in the list of `textDocument/completion` as "
        "well, for editors that draw no ghost text. Read once, when the editor "
        "connects.",
    )
    popup_first: bool = _setting(
        False,
        "Whether a suggestion in that list stands above the names that other servers "
        "offer.",
    )


@dataclass(frozen=True)
class StatsSettings:
    """What is counted for `foretype stats`."""

    enabled: bool = _setting(
        True,
        "Whether counts of suggestions, their times and their cost are kept in a file "
        "of yours; no text, never sent anywhere.",
    )


@dataclass(frozen=True)
class Settings:
    """All settings, always complete and valid."""

    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    local: LocalSettings = field(default_factory=LocalSettings)
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    editor: EditorSettings = field(default_factory=EditorSettings)
    stats: StatsSettings = field(default_factory=StatsSettings)

    @property
    def uses_local_model(self) -> bool:
        """Whether completions come from the built-in model."""
        provider = self.endpoint.provider
        return provider == "local" or (
            provider == "auto" and not self.endpoint.base_url
        )

    @property
    def model_name(self) -> str:
        """The name a model's family is told by."""
        if not self.uses_local_model:
            return self.endpoint.model
        return Path(self.local.model_path).stem or "gemma-3-270m"

    @property
    def prefix_tokens(self) -> int:
        """How many tokens before the cursor are sent at most.

        With the answer, they fit into the context of the built-in model.
        """
        wanted = self.completion.prefix_tokens
        if not self.uses_local_model:
            return wanted or ENDPOINT_PREFIX_TOKENS
        room = self.local.n_ctx_tokens - self.completion.max_tokens_block
        return max(min(wanted or LOCAL_PREFIX_TOKENS, room), MIN_PREFIX_TOKENS)

    @property
    def speaks_chat(self) -> bool:
        """Whether the model is asked in a chat; the built-in one never is."""
        return self.endpoint.wire == "chat" and not self.uses_local_model

    @property
    def endpoint_problem(self) -> str | None:
        """Why the endpoint, as it is set, cannot be asked; None where it can."""
        if self.uses_local_model:
            return None
        url = self.endpoint.base_url
        if not url:
            return (
                f'endpoint.provider is "{self.endpoint.provider}" and '
                "endpoint.base_url is not set, so nothing can be suggested; set it to "
                "the API's URL, up to its /v1"
            )
        if not _is_http_url(url):
            # It is not quoted: it may hold a password.
            return (
                "endpoint.base_url must be a URL that begins with http:// or https://"
            )
        if not self.endpoint.model:
            return (
                "endpoint.model is not set, so nothing can be suggested; set it to a "
                "name the endpoint lists under /models"
            )
        return None


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # A port that is none raises only when it is read.
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
