"""Presets: what is shipped is whole, what a person adds is checked, keys stay home."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fake_endpoint import Answer, FakeEndpoint
from foretype import health, layers, presets, prompt
from foretype.document import Document
from foretype.endpoint import EndpointModel
from foretype.endpoint_settings import PRESETS, EndpointSettings
from foretype.layers import Layer
from foretype.presets import Preset
from foretype.prompt import Prompt
from foretype.request import Endpoint
from foretype.settings import Settings
from foretype.templates import tells_suffix
from foretype.timeline import Timeline
from foretype.trim import Shape
from foretype.wires import WIRES

GOLDEN = Path(__file__).parent / "presets"
# Of the servers that have no model of their own.
MODEL = "Qwen/Qwen2.5-Coder-7B"
SHIPPED = list(presets.shipped().values())
NAMED = [(preset.name, model) for preset in SHIPPED for model in preset.models]


def toml(text: str) -> Layer:
    return Layer("config.toml", tomllib.loads(text))


def editor(values: Mapping[str, Any]) -> Layer:
    return Layer("the editor", values, "json")


def chosen(name: str, model: str = "") -> Settings:
    """The settings of who has set nothing but a preset, and a model if need be."""
    endpoint = {"provider": name} | ({"model": model} if model else {})
    resolved, problems = layers.resolve([Layer("config.toml", {"endpoint": endpoint})])
    if not resolved.endpoint.model:
        return chosen(name, MODEL)
    assert problems == []
    return resolved


# What is shipped


def test_the_presets_are_those_that_the_settings_know() -> None:
    assert tuple(presets.shipped()) == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_all_that_it_takes(name: str) -> None:
    settings = chosen(name)
    endpoint = settings.endpoint
    assert settings.endpoint_problem is None
    assert endpoint.wire in WIRES
    assert endpoint.api_key_env != EndpointSettings.api_key_env
    host = urlsplit(endpoint.base_url).hostname
    # A key, and a TLS connection, are for what is not on this machine.
    is_remote = host != "127.0.0.1"
    assert endpoint.needs_api_key is is_remote
    assert endpoint.base_url.startswith("https://") is is_remote
    # Asking ahead of the first key costs nothing but one's own electricity.
    assert endpoint.evaluates_ahead is (not is_remote and name != "litellm")


@pytest.mark.parametrize(("name", "model"), NAMED)
def test_a_model_that_is_named_has_a_price_and_is_told_the_suffix(
    name: str, model: str
) -> None:
    settings = chosen(name, model)
    endpoint = settings.endpoint
    assert endpoint.model == model
    assert endpoint.usd_per_million_output_tokens > 0
    assert (
        endpoint.usd_per_million_cached_tokens
        < endpoint.usd_per_million_input_tokens
        <= endpoint.usd_per_million_output_tokens
    )
    assert tells_suffix(settings)


@pytest.mark.parametrize("preset", SHIPPED, ids=PRESETS)
def test_the_default_model_is_one_of_those_named(preset: Preset) -> None:
    if preset.models:
        assert preset.settings["model"] == next(iter(preset.models))


def test_a_models_fields_are_sent_beside_its_providers() -> None:
    assert chosen("groq").endpoint.extra_body == {
        "stream_options": {"include_usage": True},
        "reasoning_effort": "low",
        "include_reasoning": False,
    }


# What is sent


@pytest.mark.asyncio
@pytest.mark.parametrize("name", PRESETS)
async def test_what_each_provider_is_sent(
    name: str, update_golden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretype.request._SECRET", b"the same in every run")
    monkeypatch.setattr("foretype.prompt.CHAT_SYSTEM", "How to complete.")
    models = list(presets.shipped()[name].models) or [""]
    said = "\n".join([await sent(chosen(name, model)) for model in models])
    path = GOLDEN / f"{name}.txt"
    if update_golden:
        path.write_text(said, "utf-8", newline="\n")
    assert said == path.read_text("utf-8")


def test_there_is_a_drawing_of_each_preset_and_of_nothing_else() -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(PRESETS)


CODE = "def area(radius):\n    return \n\n\ndef volume(radius):\n    pass\n"


async def sent(settings: Settings) -> str:
    """The request for a completion, and what warms up for it, as text."""
    asked = asked_for(settings)
    real = urlsplit(settings.endpoint.base_url)
    async with FakeEndpoint(wire=settings.wire) as fake:
        url = f"http://127.0.0.1:{fake.port}{real.path}"
        endpoint = Endpoint(
            url, settings.endpoint.model, "the-key", settings=settings.endpoint
        )
        model = EndpointModel(endpoint, WIRES[settings.wire]())
        try:
            if settings.endpoint.warm_up_path:
                await model.evaluate_ahead(asked)
            async for _ in model.stream(asked, Timeline()):
                pass
        finally:
            await model.close()
    request = fake.requests[-1]
    host = f"{real.scheme}://{real.netloc}"
    lines = [f"GET {host}{fetched.path}" for fetched in fake.fetched]
    lines.append(f"POST {host}{request.path}")
    of_the_connection = ("host", "content-length", "user-agent")
    lines += [
        f"{name}: {'Bearer ...' if name == 'authorization' else value}"
        for name, value in sorted(request.headers.items())
        if name not in of_the_connection
    ]
    assert request.headers["authorization"] == "Bearer the-key"
    body = json.dumps(request.body, indent=2, ensure_ascii=False)
    return "\n".join([*lines, body, ""])


def asked_for(settings: Settings) -> Prompt:
    document = Document("file:///home/me/shapes.py", "python", 1, CODE)
    view = prompt.view(settings, health.CHARS_PER_TOKEN)
    snapshot = document.snapshot(CODE.index("return ") + 7, settings, view)
    return prompt.build(snapshot, Shape.LINE)


@pytest.mark.parametrize("template", ["auto", "suffix", "qwen"])
@pytest.mark.parametrize("name", PRESETS)
def test_markers_and_a_field_for_the_suffix_never_go_together(
    name: str, template: str
) -> None:
    wanted = {"provider": name, "model": "qwen2.5-coder", "template": template}
    settings, _ = layers.resolve([Layer("config.toml", {"endpoint": wanted})])
    body = json.dumps(WIRES[settings.wire]().body(asked_for(settings)))
    is_told = "def volume" in body
    has_field = '"suffix":' in body or '"input_suffix":' in body
    has_marker = "<|fim_suffix|>" in body
    assert is_told
    assert not (has_field and has_marker)
    assert has_field or has_marker or settings.speaks_chat


# From the settings to the request


@pytest.mark.asyncio
async def test_a_preset_and_the_variable_of_its_key_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("x = \n", "utf-8")
    config = layers.config_file().name
    folder = tmp_path / "foretype"
    folder.mkdir()
    async with FakeEndpoint(Answer(("total",)), wire="mistral-fim") as endpoint:
        (folder / config).write_text(
            "[endpoint]\nprovider = 'mistral'\n"
            # Where the real one would be.
            f"[presets.mistral]\nbase_url = '{endpoint.base_url}'\n",
            "utf-8",
        )
        environment = {
            **os.environ,
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path),
            "MISTRAL_API_KEY": "the-key",
        }
        printed = await completed(f"{path}:1:5", environment)
        assert printed.splitlines()[0] == "x = total"
        (request,) = endpoint.requests
        assert request.path == "/v1/fim/completions"
        assert request.headers["authorization"] == "Bearer the-key"
        assert request.body["model"] == "codestral-2508"

        # Without the key nothing is sent, and its name is told.
        del environment["MISTRAL_API_KEY"]
        printed = await completed(f"{path}:1:5", environment)
        assert "the variable MISTRAL_API_KEY is not set" in printed
        assert len(endpoint.requests) == 1


async def completed(place: str, environment: Mapping[str, str]) -> str:
    """All that the command prints of one completion."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "foretype", "complete", place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    printed, _ = await process.communicate()
    return printed.decode()


# What a person sets


@pytest.mark.parametrize(
    "layer",
    [
        toml("[endpoint]\nprovider = 'mistral'\nmodel = 'm'\ntimeout_ms = 900"),
        editor({"endpoint": {"provider": "mistral", "model": "m", "timeoutMs": 900}}),
        layers.environment_layer(
            {
                "FORETYPE_ENDPOINT_PROVIDER": "mistral",
                "FORETYPE_ENDPOINT_MODEL": "m",
                "FORETYPE_ENDPOINT_TIMEOUT_MS": "900",
            }
        ),
    ],
    ids=["file", "editor", "environment"],
)
def test_what_is_set_wins_over_the_preset(layer: Layer) -> None:
    resolved, problems = layers.resolve([layer])
    endpoint = resolved.endpoint
    assert problems == []
    assert (endpoint.model, endpoint.timeout_ms) == ("m", 900)
    assert endpoint.base_url == "https://api.mistral.ai/v1"
    assert endpoint.wire == "mistral-fim"
    # The price is of another model.
    assert endpoint.usd_per_million_input_tokens == 0


def test_the_last_place_that_names_a_preset_wins() -> None:
    places = [
        toml("[endpoint]\nprovider = 'openai'"),
        editor({"endpoint": {"provider": "groq"}}),
    ]
    resolved, problems = layers.resolve(places)
    assert problems == []
    assert resolved.endpoint.api_key_env == "GROQ_API_KEY"
    assert resolved.endpoint.wire == "chat"
    assert resolved.endpoint.bills_after_disconnect


OWN = """
[endpoint]
provider = "gateway"

[presets.gateway]
base_url = "https://llm.example.com/v1"
wire = "chat"
model = "house-model"
api_key_env = "GATEWAY_KEY"
needs_api_key = true
extra_body = { team = "tools" }
completion = { debounce_ms = 75, max_tokens_line = 48 }

[[presets.gateway.models]]
name = "house-model"
usd_per_million_input_tokens = 1
extra_body = { effort = "none" }
"""


def test_a_preset_of_ones_own() -> None:
    resolved, problems = layers.resolve([toml(OWN)])
    assert problems == []
    endpoint = resolved.endpoint
    assert endpoint.base_url == "https://llm.example.com/v1"
    assert endpoint.api_key_env == "GATEWAY_KEY"
    assert endpoint.extra_body == {"team": "tools", "effort": "none"}
    assert endpoint.usd_per_million_input_tokens == 1
    assert resolved.completion.debounce_ms == 75
    assert resolved.speaks_chat


def test_a_preset_of_ones_own_can_be_chosen_elsewhere() -> None:
    file = toml(OWN.replace('provider = "gateway"', 'provider = "openai"'))
    resolved, problems = layers.resolve(
        [file, editor({"endpoint": {"provider": "gateway"}})]
    )
    assert problems == []
    assert resolved.endpoint.model == "house-model"


def test_a_shipped_preset_can_be_changed() -> None:
    text = """
    endpoint.provider = "mistral"

    [presets.mistral]
    base_url = "https://proxy.example.com/mistral/v1"

    [[presets.mistral.models]]
    name = "codestral-2508"
    usd_per_million_input_tokens = 0.2

    [[presets.mistral.models]]
    name = "codestral-next"
    usd_per_million_input_tokens = 0.5
    """
    resolved, problems = layers.resolve([toml(text)])
    assert problems == []
    endpoint = resolved.endpoint
    assert endpoint.base_url == "https://proxy.example.com/mistral/v1"
    # Whoever sets the URL in the preset itself means its key to go there.
    assert endpoint.api_key_env == "MISTRAL_API_KEY"
    assert endpoint.usd_per_million_input_tokens == 0.2
    assert endpoint.usd_per_million_output_tokens == 0.9
    assert presets.shipped()["mistral"].settings["base_url"].startswith("https://api.")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "presets = 1",
            "config.toml: presets must be tables, such as [presets.gateway]",
        ),
        ("presets.gateway = 1", "config.toml: presets.gateway must be a table"),
        (
            "presets.local.wire = 'chat'",
            "config.toml: presets.local cannot be set: choose another name",
        ),
        (
            "presets.gateway.models = 'm'",
            "config.toml: presets.gateway.models must be a list of tables, each with a "
            "name",
        ),
        (
            "[[presets.gateway.models]]\nwire = 'chat'",
            "config.toml: presets.gateway.models must be a list of tables, each with a "
            "name",
        ),
        (
            "presets.gateway.base_ulr = 'http://h'",
            "the preset 'gateway': base_ulr is not a setting; the nearest is base_url",
        ),
        (
            "presets.gateway.wire = 'http'",
            "the preset 'gateway': wire must be one of completions, chat, responses, "
            "fim, mistral-fim, infill, ollama, not 'http'",
        ),
        (
            "presets.gateway.provider = 'openai'",
            "the preset 'gateway': provider is not a setting; the nearest is",
        ),
        (
            "presets.mistral.completion.debounce_ms = -1",
            "the preset 'mistral': completion.debounce_ms must be from 0 to 5000, "
            "not -1",
        ),
        (
            "presets.gateway.stats.enabled = false",
            "the preset 'gateway': stats is not a setting; the nearest is",
        ),
        (
            "[[presets.gateway.models]]\nname = 'm'\ntimeout_ms = 1",
            "the preset 'gateway': timeout_ms must be from 500 to 600000, not 1",
        ),
        (
            "endpoint.provider = 'gatewya'\npresets.gateway.wire = 'chat'",
            "config.toml: endpoint.provider must be one of auto, local, "
            "openai-compatible, ",
        ),
    ],
)
def test_a_wrong_preset_is_told_once_by_name(text: str, problem: str) -> None:
    _, (told,) = layers.resolve([toml(text)])
    assert told.startswith(problem)


def test_a_wrong_preset_in_use_is_told_once_as_well() -> None:
    text = OWN.replace("needs_api_key = true", "needs_api_key = 1")
    resolved, (told,) = layers.resolve([toml(text)])
    assert told == "the preset 'gateway': needs_api_key must be true or false, not 1"
    assert resolved.endpoint.model == "house-model"


def test_no_editor_can_define_a_preset() -> None:
    wanted = {"presets": {"mistral": {"base_url": "https://elsewhere.invalid/v1"}}}
    file = toml("endpoint.provider = 'mistral'")
    resolved, (told,) = layers.resolve([file, editor(wanted)])
    assert told.startswith("the editor: presets cannot be set by an editor")
    assert resolved.endpoint.base_url == "https://api.mistral.ai/v1"


# Keys


@pytest.mark.parametrize(
    "layer",
    [
        toml("endpoint.base_url = 'https://elsewhere.invalid/v1'"),
        editor({"endpoint": {"baseUrl": "https://elsewhere.invalid/v1"}}),
        layers.environment_layer(
            {"FORETYPE_ENDPOINT_BASE_URL": "https://elsewhere.invalid/v1"}
        ),
    ],
    ids=["file", "editor", "environment"],
)
def test_a_presets_key_goes_to_its_own_url_only(layer: Layer) -> None:
    resolved, (told,) = layers.resolve([toml("endpoint.provider = 'mistral'"), layer])
    endpoint = resolved.endpoint
    assert endpoint.base_url == "https://elsewhere.invalid/v1"
    assert endpoint.api_key_env == EndpointSettings.api_key_env
    assert not endpoint.needs_api_key
    assert told == (
        "endpoint.base_url is not that of the preset 'mistral', so that "
        "MISTRAL_API_KEY is not sent there; if it should be, set endpoint.api_key_env "
        "to it"
    )


def test_the_key_command_of_a_preset_goes_to_its_own_url_only() -> None:
    command = (
        "endpoint.provider = 'mistral'\npresets.mistral.api_key_command = ['pass']"
    )
    resolved, _ = layers.resolve([toml(command)])
    assert resolved.endpoint.api_key_command == ("pass",)
    elsewhere = editor({"endpoint": {"baseUrl": "https://elsewhere.invalid/v1"}})
    resolved, _ = layers.resolve([toml(command), elsewhere])
    assert resolved.endpoint.api_key_command == ()


@pytest.mark.parametrize(
    "text",
    [
        # Said again, in other words.
        "base_url = 'https://api.mistral.ai/v1/'",
        # The variable is named for the other URL.
        "base_url = 'https://h/v1'\napi_key_env = 'MISTRAL_API_KEY'",
    ],
)
def test_a_key_that_is_meant_for_a_url_is_sent_there(text: str) -> None:
    resolved, problems = layers.resolve(
        [toml(f"[endpoint]\nprovider='mistral'\n{text}")]
    )
    assert problems == []
    assert resolved.endpoint.api_key_env == "MISTRAL_API_KEY"


def test_a_server_of_ones_own_may_be_elsewhere() -> None:
    text = "[endpoint]\nprovider = 'ollama'\nbase_url = 'http://gpu-box:11434'"
    resolved, problems = layers.resolve([toml(text)])
    assert problems == []
    assert resolved.endpoint.evaluates_ahead
    assert resolved.endpoint.wire == "ollama"
