"""Writes docs/endpoints.md from the presets, and from what is to be said of each.

`pytest --update-golden` puts it into the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foretype import layers, presets
from foretype.endpoint_settings import EndpointSettings
from foretype.layers import Layer
from foretype.presets import Preset

PRICES_OF = "25 November 2026"

INTRO = f"""\
# Endpoints

Where completions come from is one setting, `endpoint.provider`, in the `config.toml` \
that `foretype --help` names.
Each section below has the lines for one provider; nothing else is needed but its key, \
in the variable that the section names, where the editor is started from.

```sh
export MISTRAL_API_KEY=...
```

A password manager can [print the key](settings.md#the-api-key) instead.

A preset is a set of defaults: URL, model, how the model is asked, what makes it \
answer soonest, and prices for `foretype stats`.
Whatever you [set yourself](settings.md#endpoint) wins over it, such as another `model`.
When a provider has retired a model, the message names the nearest that it has now.

Prices are in US dollars per million tokens, as of {PRICES_OF}; a provider may have \
changed them since.
What is in a cache is most of what a completion sends, as only the end of the text \
changes from key to key.

This page is made from the presets, and a test keeps the two equal.
"""

OWN = """\
## Your own

A `[presets.NAME]` table in `config.toml` adds a provider, or changes one of the above.
Its keys are those of [`endpoint`](settings.md#endpoint), and a table `completion` may \
have keys of [`completion`](settings.md#completion).

```toml
[endpoint]
provider = "gateway"

[presets.gateway]
base_url = "https://llm.example.com/v1"
wire = "chat"
model = "house-model"
api_key_env = "GATEWAY_API_KEY"
needs_api_key = true
extra_body = { reasoning_effort = "none" }
completion = { debounce_ms = 50 }

[[presets.gateway.models]]
name = "house-model"
usd_per_million_input_tokens = 0.2
usd_per_million_output_tokens = 0.8
```

- The key is sent to the preset's own `base_url` only.
- Neither an editor nor an opened folder can define a preset.
- What a model has of its own, such as a price or `extra_body`, is for that model only.
"""


@dataclass(frozen=True)
class About:
    """What there is to say of a preset."""

    title: str
    notes: tuple[str, ...]
    more: str = ""
    """What its lines have beside the name of the preset."""


ABOUT = {
    "openai": About(
        "OpenAI",
        (
            "Asked over `/responses` with reasoning off. Nothing is stored (`store` is "
            "false).",
            "What was sent before is served from a cache, by a key of each document's "
            "own.",
            'To be served sooner at twice the price: `extra_body = { service_tier = "'
            'fast", reasoning = { effort = "none" } }`.',
        ),
    ),
    "openai-chat": About(
        "OpenAI, chat completions",
        (
            "The same models over the older API, which takes strings to stop at. "
            "`openai` is as quick.",
        ),
    ),
    "cerebras": About(
        "Cerebras",
        (
            "`gpt-oss-120b` thinks a little before it writes, for which 512 tokens are "
            "allowed; the other models do not.",
            "What a request *may* write counts against the limit a minute. The free "
            "tier's 30 requests a minute are too few to type with.",
            "Its connections are warmed by a call that Cerebras has for it.",
        ),
    ),
    "groq": About(
        "Groq",
        (
            "Groq charges for an answer that nobody waits for any more, so only one "
            "stream runs for a document, and nothing is asked ahead.",
            "`gpt-oss` thinks a little before it writes, for which 512 tokens are "
            "allowed.",
        ),
    ),
    "mistral": About(
        "Mistral (Codestral)",
        (
            "Codestral is told the text before and after the cursor, as it was trained "
            "to be.",
            "Mistral charges for an answer that nobody waits for any more, so only one "
            "stream runs for a document, and nothing is asked ahead.",
            "A key of `codestral.mistral.ai` needs two lines more: `base_url = "
            '"https://codestral.mistral.ai/v1"` and `api_key_env = '
            '"CODESTRAL_API_KEY"`.',
        ),
    ),
    "deepseek": About(
        "DeepSeek",
        (
            "Asked over DeepSeek's beta API, which is told the text before and after "
            "the cursor.",
        ),
    ),
    "inception": About(
        "Inception (Mercury)",
        (
            "A diffusion model: its text comes in blocks. It is told the text before "
            "and after the cursor, and takes no temperature.",
            "`mercury-2.5` is a chat, which this preset knows as well.",
        ),
    ),
    "fireworks": About(
        "Fireworks",
        (
            "`qwen3-coder-30b-a3b-instruct` fills in the middle; the others are "
            "chats, with reasoning off.",
            "Any model with markers to fill in the middle that you deploy there is "
            'asked with `wire = "completions"`.',
        ),
    ),
    "together": About(
        "Together",
        (
            "Chats, with reasoning off. A model of your own that fills in the middle "
            'is asked with `wire = "completions"`.',
        ),
    ),
    "openrouter": About(
        "OpenRouter",
        (
            "Each request is routed to the provider that answers soonest (`provider = "
            '{ sort = "latency" }`), which costs a hop.',
            "Prices, and whether an answer that nobody waits for is charged, are those "
            "of the provider it is routed to; set `bills_after_disconnect = true` for "
            "those that charge.",
        ),
    ),
    "ollama": About(
        "Ollama",
        (
            "`ollama pull qwen2.5-coder:1.5b-base` first. Larger ones of the family, "
            "and `codestral`, `starcoder2`, `codegemma`, `deepseek-coder`, write "
            "better.",
            "The model is loaded, and the text evaluated, when a file is opened; it "
            "stays for half an hour.",
            'Its own template for a model is used with `template = "suffix"`; '
            "otherwise the family's markers are sent as they are.",
            "For more than 4,096 tokens of context: `extra_body = { options = { "
            "num_ctx = 8192 } }`.",
        ),
    ),
    "llama.cpp": About(
        "llama.cpp server",
        (
            "`llama-server --fim-qwen-1.5b-default --port 8080`, or any model that "
            "fills in the middle; the server knows its markers.",
            'For a model that does not, set `wire = "completions"` and '
            '`base_url = "http://127.0.0.1:8080/v1"`.',
            "`-np 2` keeps two files in the server's cache, `--cache-reuse 256` what "
            "moved in them.",
        ),
    ),
    "vllm": About(
        "vLLM",
        (
            "The model's family is told by its name. If the name is another one, set "
            "`template`.",
            "vLLM refuses a suffix in a field of its own, so the family's markers are "
            "sent.",
        ),
        'model = "Qwen/Qwen2.5-Coder-7B"\n',
    ),
    "sglang": About(
        "SGLang",
        (
            "The model's family is told by its name. If the name is another one, set "
            "`template`.",
            'Started with `--completion-template`, it takes `template = "suffix"`.',
        ),
        'model = "Qwen/Qwen2.5-Coder-7B"\n',
    ),
    "lm-studio": About(
        "LM Studio",
        ("Name the model as its server lists it. It is loaded when a file is opened.",),
        'model = "qwen2.5-coder-7b"\n',
    ),
    "litellm": About(
        "LiteLLM proxy",
        (
            "A chat, by the name that the proxy's configuration has for it.",
            'For a model that fills in the middle: `wire = "completions"`, and '
            '`template = "suffix"` if it is `text-completion-codestral/...`.',
            "What the provider behind it needs, such as reasoning off, goes into "
            "`extra_body`.",
        ),
        'model = "gpt-6-luna"\n',
    ),
}

OTHERS = """\
## Any OpenAI-compatible URL

```toml
[endpoint]
base_url = "http://127.0.0.1:8000/v1"
model = "qwen2.5-coder-1.5b"
```

- The key, if it needs one, is in `FORETYPE_API_KEY`, or in the variable that \
`api_key_env` names.
- A model that fills in the middle is recognised by its name, or by `template`; a chat \
is asked with `wire = "chat"`.

## The built-in model

```toml
[endpoint]
provider = "local"
```

- It is what is used when nothing is set; it needs no key and no network.
- Another GGUF file is set by `local.model_path`.
"""


def render() -> str:
    """The whole page."""
    sections = [section(preset) for preset in presets.shipped().values()]
    return "\n".join([INTRO, *sections, OTHERS, OWN])


def section(preset: Preset) -> str:
    """All of one preset."""
    about = ABOUT[preset.name]
    lines = [f"## {about.title}", "", "```toml", snippet(preset) + "```", ""]
    endpoint = settings_of(preset, "")
    host = endpoint.base_url
    need = (
        "The key is in" if endpoint.needs_api_key else "A key, if it wants one, is in"
    )
    lines.append(f"- `{host}`. {need} `{endpoint.api_key_env}`.")
    lines += [f"- {note}" for note in about.notes]
    if preset.models:
        lines += ["", *table(preset)]
    return "\n".join([*lines, ""])


def snippet(preset: Preset) -> str:
    """The lines that a person needs."""
    return f'[endpoint]\nprovider = "{preset.name}"\n{ABOUT[preset.name].more}'


def table(preset: Preset) -> Iterator[str]:
    """The models worth naming, with their prices."""
    yield "| model | asked over | input | cached | output |"
    yield "| --- | --- | --: | --: | --: |"
    for idx, model in enumerate(preset.models):
        endpoint = settings_of(preset, model)
        prices = (
            endpoint.usd_per_million_input_tokens,
            endpoint.usd_per_million_cached_tokens
            or endpoint.usd_per_million_input_tokens,
            endpoint.usd_per_million_output_tokens,
        )
        default = " (default)" if idx == 0 else ""
        cells = [f"`{model}`{default}", f"`{endpoint.wire}`", *map(dollars, prices)]
        yield f"| {' | '.join(cells)} |"


def settings_of(preset: Preset, model: str) -> EndpointSettings:
    values = {"provider": preset.name} | ({"model": model} if model else {})
    return layers.resolve([Layer("page", {"endpoint": values})])[0].endpoint


def dollars(price: float) -> str:
    """At least cents, and as much more as there is."""
    text = f"{price:.4f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.ljust(2, '0')}"
