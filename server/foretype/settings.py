"""Every setting: its key, type, default, unit and description.

The dataclasses, and that in `endpoint_settings`, are the single source: the names in
JSON and in the environment, and docs/settings.md, are derived from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from urllib.parse import urlsplit

from foretype.endpoint_settings import CHAT_WIRES, EndpointSettings
from foretype.setting import setting

# What a context is rounded up to, so that editors whose settings differ a little
# share a server, and a prompt with few characters a token has room.
CTX_STEP_TOKENS = 4096
MAX_CTX_TOKENS = 131_072

# What is sent of the text before the cursor where the settings do not say. An endpoint
# reads it once, then serves it from its cache; a CPU needs seconds for every thousand.
ENDPOINT_PREFIX_TOKENS = 3_000
LOCAL_PREFIX_TOKENS = 1_800
MIN_PREFIX_TOKENS = 64


@dataclass(frozen=True)
class LocalSettings:
    """The built-in model: a llama.cpp server in a process of its own."""

    model_path: str = setting(
        "",
        "A GGUF file to use instead of the built-in weights (Gemma 3 270M); "
        "`foretype models use` writes it here.",
        never_from_editor=True,
    )
    n_threads: int = setting(
        0,
        "CPU threads to compute with; 0 chooses for the machine: one for each fast "
        "core, at most eight.",
        minimum=0,
        maximum=256,
    )
    n_ctx_tokens: int = setting(
        0,
        "Context size of each document's cache slot; 0 chooses what the longest prompt "
        "that `completion` allows needs.",
        minimum=0,
        maximum=MAX_CTX_TOKENS,
    )
    shared: bool = setting(
        True,
        "Whether all your editors use one process of the model. Switched off, this one "
        "starts its own, which ends with it.",
    )
    hub_url: str = setting(
        "https://huggingface.co",
        "Where `foretype models pull` gets models from: a hub that speaks Hugging "
        "Face's API.",
        never_from_editor=True,
    )
    linger_s: int = setting(
        60,
        "How long that process stays after the last editor has left, so that the next "
        "one need not load the model.",
        minimum=0,
        maximum=86_400,
    )


@dataclass(frozen=True)
class CompletionSettings:
    """What is asked for, and how much."""

    enabled: bool = setting(True, "Whether anything is suggested at all.")
    disabled_languages: tuple[str, ...] = setting(
        (),
        "Language identifiers, as editors name them (`markdown`, `plaintext`), for "
        "which nothing is suggested.",
    )
    disabled_files: tuple[str, ...] = setting(
        (),
        "Patterns of file names or of whole paths (`*.csv`, `*/secrets/*`) for which "
        "nothing is suggested.",
    )
    max_document_chars: int = setting(
        20_000_000,
        "In a longer document nothing is suggested.",
        minimum=1_000,
        maximum=1_000_000_000,
    )
    debounce_ms: int = setting(
        0,
        "How long no key must have come before the endpoint is asked. Only for "
        "endpoints that bill by the request: what is known already, or asked for by "
        "hand, never waits.",
        minimum=0,
        maximum=5_000,
    )
    ask_ahead: bool = setting(
        True,
        "Whether what comes after a suggestion is asked for while it is on the screen, "
        "so that it is there once the suggestion is accepted.",
    )
    max_tokens_line: int = setting(
        64,
        "Most tokens asked for where a line is completed.",
        minimum=1,
        maximum=4096,
    )
    max_tokens_block: int = setting(
        192,
        "Most tokens asked for where a block is completed.",
        minimum=1,
        maximum=4096,
    )
    prefix_tokens: int = setting(
        0,
        "Most tokens of the text before the cursor that are sent; 0 is 3000, and 1800 "
        "for the built-in model, which takes seconds to read more.",
        minimum=0,
        maximum=100_000,
    )
    suffix_tokens: int = setting(
        600,
        "Most tokens of the text after the cursor that are sent, to models that can "
        "use it and are told it first, so that it is the same from key to key.",
        minimum=0,
        maximum=100_000,
    )
    last_suffix_tokens: int = setting(
        64,
        "The same for models that are told it last: all of it comes behind what "
        "changes with every key, so that no cache of the endpoint's serves it.",
        minimum=0,
        maximum=100_000,
    )


@dataclass(frozen=True)
class ContextSettings:
    """Text from elsewhere that prompts are told, gathered while nobody types."""

    recent_edits: bool = setting(
        False, "Whether it has what was changed last, in all files, as small diffs."
    )
    similar: bool = setting(
        False,
        "Whether it has parts of open files that are like the text at the cursor.",
    )
    definitions: bool = setting(
        False,
        "Whether it has definitions of names near the cursor, from all files of the "
        "workspace, which a process of the lowest priority reads.",
    )
    counterpart: bool = setting(
        False,
        "Whether it has parts of the file that goes with this one: a source's test, a "
        "test's source, a header's code.",
    )
    cells: bool = setting(
        False, "Whether it has the other cells of a notebook, as far as they are open."
    )
    diagnostics: bool = setting(
        False,
        "Whether it has what compilers say about the lines at the cursor, from editors "
        "that share it.",
    )
    max_tokens: int = setting(
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

    range_start: str = setting(
        "cursor",
        'Where the range that a suggestion replaces begins: at the `"cursor"`, or at '
        'the beginning of the `"line"`, whose text is then repeated in the suggestion. '
        'In VS Code the default is `"line"`.',
        choices=("cursor", "line"),
    )
    range_end: str = setting(
        "cursor",
        'Where that range ends: at the `"cursor"`, or behind the closing brackets and '
        'quotes in the `"rest"` of the line that the suggestion writes again. In VS '
        'Code the default is `"rest"`.',
        choices=("cursor", "rest"),
    )
    popup: bool = setting(
        False,
        "Whether suggestions are offered in the list of `textDocument/completion` as "
        "well, for editors that draw no ghost text. Read once, when the editor "
        "connects.",
    )
    popup_first: bool = setting(
        False,
        "Whether a suggestion in that list stands above the names that other servers "
        "offer.",
    )


@dataclass(frozen=True)
class StatsSettings:
    """What is counted for `foretype stats`."""

    enabled: bool = setting(
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
    def n_ctx_tokens(self) -> int:
        """The context of the built-in model, for a prompt and what is generated."""
        completion = self.completion
        n_tokens = (
            (completion.prefix_tokens or LOCAL_PREFIX_TOKENS)
            + completion.suffix_tokens
            + self.context.max_tokens
            + max(completion.max_tokens_line, completion.max_tokens_block)
        )
        n_steps = ceil(n_tokens / CTX_STEP_TOKENS)
        return self.local.n_ctx_tokens or min(n_steps * CTX_STEP_TOKENS, MAX_CTX_TOKENS)

    @property
    def prefix_tokens(self) -> int:
        """How many tokens before the cursor are sent at most.

        With the answer, they fit into the context of the built-in model.
        """
        wanted = self.completion.prefix_tokens
        if not self.uses_local_model:
            return wanted or ENDPOINT_PREFIX_TOKENS
        room = self.n_ctx_tokens - self.completion.max_tokens_block
        return max(min(wanted or LOCAL_PREFIX_TOKENS, room), MIN_PREFIX_TOKENS)

    @property
    def speaks_chat(self) -> bool:
        """Whether the model is asked in a chat; the built-in one never is."""
        return self.wire in CHAT_WIRES

    @property
    def wire(self) -> str:
        """The name of the wire that the model is asked over."""
        return "completions" if self.uses_local_model else self.endpoint.wire

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
