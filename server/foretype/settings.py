"""Every setting: its key, type, default, unit and description, and where it is read.

`resolve` never fails: it returns settings that work and the problems it met, one
sentence each. The dataclasses are the single source: docs/settings.md and the names
in JSON and in the environment are derived from them.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import platformdirs

ENVIRONMENT_PREFIX = "FORETYPE_"

# The families `prompt` knows by name; a test keeps the two equal.
TEMPLATES = (
    "auto",
    "none",
    "suffix",
    "qwen",
    "codegemma",
    "granite",
    "starcoder",
    "codellama",
    "deepseek",
    "codestral",
    "mellum",
    "seed-coder",
    "glm",
)
# Longer than any variable's name, shorter than the keys of providers.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}")


def _setting(
    default: Any,
    description: str,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
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
    prefix_chars: int = _setting(
        6_000,
        "Most characters of the text before the cursor that are sent.",
        minimum=200,
        maximum=200_000,
    )
    suffix_chars: int = _setting(
        2_000,
        "Most characters of the text after the cursor that are sent, to models that "
        "can use them.",
        minimum=0,
        maximum=200_000,
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
class Settings:
    """All settings, always complete and valid."""

    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    local: LocalSettings = field(default_factory=LocalSettings)
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    editor: EditorSettings = field(default_factory=EditorSettings)

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


@dataclass(frozen=True)
class Layer:
    """One place settings are read from; `values` is as read, unchecked."""

    source: str
    values: Mapping[str, Any]
    spelling: str = "toml"
    """`toml` (snake_case), `json` (camelCase) or `environment` (flat strings)."""


def config_file() -> Path:
    """The user's own `config.toml`, whether or not it exists."""
    return platformdirs.user_config_path("foretype", appauthor=False) / "config.toml"


def file_layer(path: Path) -> tuple[Layer, list[str]]:
    """The settings in a TOML file; an absent file has none, a broken one a problem."""
    source = str(path)
    try:
        # Some editors begin a file with a byte order mark.
        return Layer(source, tomllib.loads(path.read_text("utf-8-sig"))), []
    except FileNotFoundError:
        return Layer(source, {}), []
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{source} cannot be read and is ignored: {error}"
        return Layer(source, {}), [problem]


def environment_layer(environ: Mapping[str, str] = os.environ) -> Layer:
    """The settings in `FORETYPE_...` variables."""
    values = {k: v for k, v in environ.items() if k.startswith(ENVIRONMENT_PREFIX)}
    return Layer("the environment", values, "environment")


def json_layer(source: str, values: object) -> tuple[Layer, list[str]]:
    """The settings an editor sent; nothing at all (`null`) is none."""
    if values is None:
        return Layer(source, {}, "json"), []
    if not isinstance(values, Mapping):
        problem = f"{source}: expected an object, not {_shown(values)}; it is ignored"
        return Layer(source, {}, "json"), [problem]
    return Layer(source, values, "json"), []


def resolve(layers: Sequence[Layer]) -> tuple[Settings, list[str]]:
    """The settings of all layers, later ones winning, and what is wrong with them.

    A value that is wrong leaves what the layers before it said.
    """
    settings = Settings()
    problems: list[str] = []
    unknown: list[tuple[Layer, str]] = []
    for layer in layers:
        for path, name, value in _entries(layer):
            if value is None:
                # An editor's way to say that a key is not set.
                continue
            if path is None:
                unknown.append((layer, name))
                continue
            checked, wrong = _checked(path, value, layer)
            if wrong:
                problems.append(f"{layer.source}: {name} {wrong}")
                continue
            settings = _with(settings, path, checked)
    # A later layer may say that a variable of an earlier one holds the key.
    keys = (EndpointSettings.api_key_env, settings.endpoint.api_key_env)
    problems += [
        f"{layer.source}: {_unknown(name, layer.spelling)}"
        for layer, name in unknown
        if layer.spelling != "environment" or name not in keys
    ]
    if problem := settings.endpoint_problem:
        problems.append(problem)
    return settings, problems


def setting_fields() -> Iterator[tuple[str, str, Field[Any]]]:
    """Every setting as (section, key, field), in the order they are declared."""
    for section in fields(Settings):
        for key in fields(_section_type(section.name)):
            yield section.name, key.name, key


def environment_name(section: str, key: str) -> str:
    """The variable that sets a key: `FORETYPE_ENDPOINT_BASE_URL`."""
    return f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()


def camel_case(name: str) -> str:
    """The JSON spelling of a key: `base_url` is `baseUrl`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _section_type(section: str) -> type[Any]:
    section_type = get_type_hints(Settings)[section]
    assert is_dataclass(section_type) and isinstance(section_type, type)
    return section_type


def _known_names(spelling: str) -> dict[str, tuple[str, str]]:
    """Every full name of a spelling, and the (section, key) it stands for."""
    known = {}
    for section, key, _ in setting_fields():
        if spelling == "environment":
            known[environment_name(section, key)] = (section, key)
        elif spelling == "json":
            known[f"{section}.{camel_case(key)}"] = (section, key)
        else:
            known[f"{section}.{key}"] = (section, key)
    return known


def _entries(
    layer: Layer,
) -> Iterator[tuple[tuple[str, str] | None, str, Any]]:
    """Each value of a layer with the setting it is for (None: there is no such one)."""
    known = _known_names(layer.spelling)
    if layer.spelling == "environment":
        for name, value in layer.values.items():
            yield known.get(name), name, value
        return
    sections = {section for section, _ in known.values()}
    for section, values in layer.values.items():
        if section in sections and isinstance(values, Mapping):
            for key, value in values.items():
                yield known.get(f"{section}.{key}"), f"{section}.{key}", value
        else:
            # Some editors write the path of a key as one name.
            yield known.get(section), str(section), values


def _unknown(name: str, spelling: str) -> str:
    # Imported here, as few starts of the server need it.
    import difflib

    known = list(_known_names(spelling))
    sections = [section.name for section in fields(Settings)]
    if name in sections:
        return f"{name} is a section of keys, not a value"
    candidates = known if "." in name else [*known, *sections]
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.0)
    return f"{name} is not a setting; the nearest is {near[0]}"


def _checked(path: tuple[str, str], value: Any, layer: Layer) -> tuple[Any, str | None]:
    """The value as the setting's type, or what is wrong with it."""
    section, key = path
    declared = next(f for f in fields(_section_type(section)) if f.name == key)
    expected: Any = get_type_hints(_section_type(section))[key]
    if layer.spelling == "json" and declared.metadata["never_from_editor"]:
        return None, (
            "cannot be set by an editor, because a folder it opens could then set it; "
            f"put it into {config_file()}"
        )
    if layer.spelling == "environment":
        value = _from_environment(value, expected)
    if expected is bool:
        if not isinstance(value, bool):
            return None, f"must be true or false, not {_shown(value)}"
    elif expected is int:
        if not isinstance(value, int) or isinstance(value, bool):
            return None, f"must be a whole number, not {_shown(value)}"
        low, high = declared.metadata["minimum"], declared.metadata["maximum"]
        if not low <= value <= high:
            return None, f"must be from {low} to {high}, not {_shown(value)}"
    elif expected is str:
        if not isinstance(value, str):
            return None, f"must be a string, not {_shown(value)}"
        if key == "api_key_env" and not _VARIABLE.fullmatch(value):
            # It is not quoted: it may well be the key itself.
            return None, "must be the name of a variable, not what is in it"
        choices = declared.metadata["choices"]
        if choices and value not in choices:
            return None, f"must be one of {', '.join(choices)}, not {_shown(value)}"
    else:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return None, f"must be a list of strings, not {_shown(value)}"
        value = tuple(value)
    return value, None


def _from_environment(value: str, expected: Any) -> Any:
    """A variable's text as the type a setting wants, or as it is if it has another."""
    if expected is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(
            value.lower(), value
        )
    if expected is int:
        return int(value) if re.fullmatch(r"-?\d{1,18}", value) else value
    if expected is str:
        return value
    # Imported here, as few starts of the server need it.
    import shlex

    try:
        return shlex.split(value)
    except ValueError:
        return value


def _with(settings: Settings, path: tuple[str, str], value: Any) -> Settings:
    section, key = path
    changed = replace(getattr(settings, section), **{key: value})
    return replace(settings, **{section: changed})


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # A port that is none raises only when it is read.
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _shown(value: object) -> str:
    """A value short enough for a message."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # A number too long to write out, or lists in lists in lists.
        return f"{type(value).__name__} of some size"
    return text if len(text) <= 60 else f"{text[:57]}..."
