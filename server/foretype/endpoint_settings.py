"""The settings of the endpoint: where completions come from, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foretype.setting import setting

# The presets that are shipped (`presets.toml`); a test keeps the two equal.
PRESETS = (
    "openai",
    "openai-chat",
    "cerebras",
    "groq",
    "mistral",
    "deepseek",
    "inception",
    "fireworks",
    "together",
    "openrouter",
    "ollama",
    "llama.cpp",
    "vllm",
    "sglang",
    "lm-studio",
    "litellm",
)

# The wires `wires` knows by name; a test keeps the two equal.
WIRES = (
    "completions",
    "chat",
    "responses",
    "fim",
    "mistral-fim",
    "infill",
    "ollama",
)
CHAT_WIRES = ("chat", "responses")
FIM_WIRES = ("fim", "mistral-fim", "infill")
"""Those with fields for the text before and after the cursor, which take no markers."""
# Codestral is trained on it; llama.cpp's server is told the cursor's line behind it.
SUFFIX_FIRST_WIRES = ("mistral-fim", "infill")
"""Those of which the text after the cursor stands before what changes with each key."""

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

# Longer than any variable's name, shorter than the keys of providers.
_VARIABLE = (
    r"[A-Za-z_][A-Za-z0-9_]{0,47}",
    "the name of a variable, not what is in it",
)
# NB: Behind two slashes stands a host.
_PATH = (
    r"(/[\w.~%-]+)*",
    "a path under base_url, such as /completions",
)


@dataclass(frozen=True)
class EndpointSettings:
    """Where completions come from."""

    provider: str = setting(
        "auto",
        '`"local"` is the built-in model, `"openai-compatible"` the server at '
        '`base_url`; `"auto"` is the second when `base_url` is set, else the first. '
        "Any other is a preset: defaults for all that is below, such as URL, model and "
        "price ([endpoints.md](endpoints.md)).",
        choices=("auto", "local", "openai-compatible", *PRESETS),
    )
    base_url: str = setting(
        "",
        "URL of an OpenAI-compatible API, up to and with its `/v1`.",
    )
    model: str = setting("", "The model's name, as the endpoint knows it.")
    wire: str = setting(
        "completions",
        '`"completions"` posts to `/completions` (models that fill in the middle, and '
        'base models), `"chat"` to `/chat/completions`, `"responses"` to '
        '`/responses`, `"fim"` to the `/fim/completions` of DeepSeek and Inception, '
        '`"mistral-fim"` to that of Mistral, `"infill"` to that of llama.cpp, and '
        '`"ollama"` to `/api/generate`. For the last two, `base_url` is without `/v1`.',
        choices=WIRES,
    )
    path: str = setting(
        "",
        "Where under `base_url` requests are posted to, if it is not the wire's own "
        "path.",
        pattern=_PATH,
    )
    template: str = setting(
        "auto",
        'How a `"completions"` or `"ollama"` model is told the text after the cursor: '
        'the markers of a model family; `"auto"` goes by the model\'s name, '
        '`"suffix"` uses the request\'s own field, `"none"` sends only the text '
        "before the cursor. The other wires know by themselves.",
        choices=TEMPLATES,
    )
    api_key_env: str = setting(
        "FORETYPE_API_KEY",
        "Name of the environment variable that holds the API key.",
        pattern=_VARIABLE,
    )
    api_key_command: tuple[str, ...] = setting(
        (),
        "A program and its arguments that print the API key, asked when the variable "
        "is not set. Read from `config.toml` and the environment only, so that no "
        "folder opened in an editor can run a command.",
        never_from_editor=True,
    )
    needs_api_key: bool = setting(
        False,
        "Whether nothing is sent without a key, so that a missing one is told by the "
        "variable's name.",
    )
    extra_body: Mapping[str, Any] = setting(
        {},
        "More fields of each request, such as `{ reasoning_effort = "
        '"low" }`, which win over those of the wire. In a variable, it is JSON.',
    )
    max_tokens_field: str = setting(
        "max_tokens",
        'What the API calls the most tokens of an answer, where the wire has `"'
        'max_tokens"`.',
        choices=("max_tokens", "max_completion_tokens"),
    )
    reasoning_tokens: int = setting(
        0,
        "So many tokens are allowed beyond those of the completion, for a model that "
        "thinks before it writes and cannot be told not to.",
        minimum=0,
        maximum=32_768,
    )
    max_stops: int = setting(
        4,
        "Most strings that the API can be asked to stop at. What ends a completion is "
        "looked for here as well.",
        minimum=0,
        maximum=4,
    )
    sends_temperature: bool = setting(
        True, "Whether the API takes a temperature; other ideas are asked for by it."
    )
    sends_cache_key: bool = setting(
        False,
        "Whether `prompt_cache_key` is sent: a random word for each document, by which "
        "the provider finds the computer that has the document's last prompt cached.",
    )
    evaluates_ahead: bool = setting(
        False,
        "Whether the prompt is sent once when a document is opened or focused, so that "
        "a server of your own has the model loaded and the text evaluated by the first "
        "key. Elsewhere it costs what a prompt costs.",
    )
    warm_up_path: str = setting(
        "",
        "A path under `base_url` that is fetched when a document is opened or focused "
        "and nothing was sent for a minute, so that the first request is quick.",
        pattern=_PATH,
    )
    probe: bool = setting(
        True,
        "Whether the endpoint is asked once, in some sixty tokens, how its model takes "
        "a place to fill in: whether it speaks anything but chats, has a field for the "
        "suffix, and knows the markers. What is found is kept for thirty days.",
    )
    bills_after_disconnect: bool = setting(
        False,
        "Whether the provider charges for the whole answer although the connection was "
        "closed. Then one stream runs for a document instead of two, and nothing is "
        "asked ahead.",
    )
    rate_limit_reset_headers: tuple[str, ...] = setting(
        (),
        "Names of the headers that tell with an answer 429 how long to wait, where "
        "`Retry-After` does not.",
    )
    timeout_ms: int = setting(
        15_000,
        "A generation that is still running after this long is ended.",
        minimum=500,
        maximum=600_000,
    )
    usd_per_million_input_tokens: float = setting(
        0.0,
        "What the provider charges for what is sent, in US dollars, so that "
        "`foretype stats` can tell the cost; 0 is not known.",
        minimum=0,
        maximum=10_000,
    )
    usd_per_million_cached_tokens: float = setting(
        0.0,
        "The same for what it had in its cache; 0 is as much as any other.",
        minimum=0,
        maximum=10_000,
    )
    usd_per_million_output_tokens: float = setting(
        0.0,
        "The same for what the model writes.",
        minimum=0,
        maximum=10_000,
    )
