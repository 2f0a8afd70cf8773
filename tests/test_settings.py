"""Settings are always complete and valid; what is wrong with them is said by name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import hypothesis.strategies as st
import pytest
from hypothesis import given

from foretype import endpoint_settings, layers
from foretype.endpoint_settings import FIM_WIRES
from foretype.layers import Layer
from foretype.settings import Settings
from foretype.wires import WIRES

# What others than settings read would be told about, were there no endpoint at all.
ENDPOINT = '[endpoint]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\n'


def toml(text: str) -> Layer:
    return Layer("config.toml", tomllib.loads(text))


def editor(values: object) -> Layer:
    layer, problems = layers.json_layer("the editor", values)
    assert not problems
    return layer


def environment(**variables: str) -> Layer:
    return layers.environment_layer(variables)


def check(*given: Layer, gives: Mapping[str, object]) -> None:
    """The layers resolve to the defaults but for these, without a problem."""
    resolved, problems = layers.resolve(given)
    assert problems == []
    assert resolved == with_values(gives)


def check_problem(
    layer: Layer, *problems: str, gives: Mapping[str, object] | None = None
) -> None:
    """The layer is told to be wrong in these words; `...` stands for any others."""
    resolved, found = layers.resolve([layer])
    assert len(found) == len(problems), found
    for said, problem in zip(found, problems, strict=True):
        pattern = ".*".join(map(re.escape, problem.split("...")))
        assert re.fullmatch(pattern, said, re.S), said
    assert resolved == with_values(gives or {})


def with_values(values: Mapping[str, object]) -> Settings:
    expected = Settings()
    for name, value in values.items():
        section, _, key = name.partition(".")
        part = replace(getattr(expected, section), **{key: value})
        expected = replace(expected, **{section: part})
    return expected


# Where settings come from


def test_without_any_settings_the_built_in_model_is_used() -> None:
    check(gives={})
    assert Settings().uses_local_model
    assert Settings().model_name == "gemma-3-270m"
    assert not Settings().speaks_chat


def test_config_toml_names_an_endpoint() -> None:
    check(
        toml(
            """
            [endpoint]
            provider = "openai-compatible"
            base_url = "https://api.example.com/v1"
            model = "codestral-2508"
            wire = "completions"
            api_key_env = "CODESTRAL_API_KEY"
            api_key_command = ["pass", "show", "codestral"]

            [local]
            model_path = "/models/qwen.gguf"

            [completion]
            enabled = false
            max_tokens_line = 32
            """
        ),
        gives={
            "endpoint.provider": "openai-compatible",
            "endpoint.base_url": "https://api.example.com/v1",
            "endpoint.model": "codestral-2508",
            "endpoint.wire": "completions",
            "endpoint.api_key_env": "CODESTRAL_API_KEY",
            "endpoint.api_key_command": ("pass", "show", "codestral"),
            "local.model_path": "/models/qwen.gguf",
            "completion.enabled": False,
            "completion.max_tokens_line": 32,
        },
    )


def test_an_editor_writes_camel_case() -> None:
    check(
        editor(
            {
                "endpoint": {
                    "baseUrl": "http://localhost:8080/v1",
                    "model": "m",
                    "apiKeyEnv": "FORETYPE_KEY",
                    "timeoutMs": 2000,
                },
                "completion": {"enabled": False, "maxTokensBlock": 99},
            }
        ),
        gives={
            "endpoint.base_url": "http://localhost:8080/v1",
            "endpoint.model": "m",
            "endpoint.api_key_env": "FORETYPE_KEY",
            "endpoint.timeout_ms": 2000,
            "completion.enabled": False,
            "completion.max_tokens_block": 99,
        },
    )


def test_the_environment_writes_strings() -> None:
    check(
        environment(
            FORETYPE_ENDPOINT_API_KEY_COMMAND="pass show 'my key'",
            FORETYPE_ENDPOINT_TEMPLATE="none",
            FORETYPE_COMPLETION_SUFFIX_TOKENS="0",
            FORETYPE_COMPLETION_ENABLED="False",
            PATH="/bin",
        ),
        gives={
            "endpoint.api_key_command": ("pass", "show", "my key"),
            "endpoint.template": "none",
            "completion.suffix_tokens": 0,
            "completion.enabled": False,
        },
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("TRUE", True), ("1", True), ("false", False), ("0", False)],
)
def test_a_variable_switches_on_and_off(text: str, value: bool) -> None:
    given = [toml(f"completion.enabled = {str(not value).lower()}")]
    given.append(environment(FORETYPE_COMPLETION_ENABLED=text))
    check(*given, gives={"completion.enabled": value})


@pytest.mark.parametrize(
    "layer",
    [
        toml("[endpoint]\nusd_per_million_input_tokens = 3"),
        toml("[endpoint]\nusd_per_million_input_tokens = 3.0"),
        editor({"endpoint": {"usdPerMillionInputTokens": 3}}),
        editor({"endpoint": {"usdPerMillionInputTokens": 3.0}}),
        environment(FORETYPE_ENDPOINT_USD_PER_MILLION_INPUT_TOKENS="3"),
        environment(FORETYPE_ENDPOINT_USD_PER_MILLION_INPUT_TOKENS="3.00"),
    ],
)
def test_a_price_may_be_a_whole_number(layer: Layer) -> None:
    check(layer, gives={"endpoint.usd_per_million_input_tokens": 3.0})


def test_each_place_wins_over_the_one_before() -> None:
    given = [
        toml(f"{ENDPOINT}\n[completion]\nmax_tokens_line = 1\nmax_tokens_block = 1"),
        environment(
            FORETYPE_COMPLETION_MAX_TOKENS_BLOCK="2",
            FORETYPE_COMPLETION_PREFIX_TOKENS="2000",
        ),
        editor({"completion": {"prefixTokens": 3000, "suffixTokens": 3000}}),
        editor({"completion": {"suffixTokens": 4000}}),
    ]
    check(
        *given,
        gives={
            "endpoint.base_url": "http://localhost:1/v1",
            "endpoint.model": "m",
            "completion.max_tokens_line": 1,
            "completion.max_tokens_block": 2,
            "completion.prefix_tokens": 3000,
            "completion.suffix_tokens": 4000,
        },
    )


def test_an_editor_that_sends_nothing_sets_nothing() -> None:
    assert layers.json_layer("the editor", None) == (
        Layer("the editor", {}, "json"),
        [],
    )


@pytest.mark.parametrize("values", [[], "endpoint", 3, True], ids=repr)
def test_an_editor_that_sends_no_object_is_told(values: object) -> None:
    layer, problems = layers.json_layer("the editor", values)
    assert problems == [
        f"the editor: expected an object, not {values!r}; it is ignored"
    ]
    check(layer, gives={})


# The file


def check_file(path: Path, *problems: str) -> None:
    layer, found = layers.file_layer(path)
    assert [re.sub(r"ignored: .*", "ignored: ...", line) for line in found] == [
        f"{path} {problem}" for problem in problems
    ]
    check(layer, gives={})


def test_without_a_file_nothing_is_wrong(tmp_path: Path) -> None:
    check_file(tmp_path / "config.toml")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[endpoint\n", id="broken"),
        pytest.param(b'a = "\xff"', id="not UTF-8"),
        pytest.param(b"a = " + b"9" * 5_000, id="an endless number"),
        pytest.param(b"a = " + b"[" * 5_000, id="lists in lists"),
    ],
)
def test_a_file_that_is_not_toml_is_ignored(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    check_file(path, "cannot be read and is ignored: ...")


def test_a_file_that_cannot_be_read_is_ignored(tmp_path: Path) -> None:
    # Any user, root as well, fails to read a folder.
    check_file(tmp_path, "cannot be read and is ignored: ...")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[completion]\nenabled = false\n")
    layer, problems = layers.file_layer(path)
    assert problems == []
    check(layer, gives={"completion.enabled": False})


# What is not a setting


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        pytest.param(
            toml("endpoint.baseurl = 'x'"),
            "config.toml: endpoint.baseurl is not a setting; "
            "the nearest is endpoint.base_url",
            id="key",
        ),
        pytest.param(
            editor({"endpoint": {"base_url": "x"}}),
            "the editor: endpoint.base_url is not a setting; "
            "the nearest is endpoint.baseUrl",
            id="key in another spelling",
        ),
        pytest.param(
            toml("[endpont]\nmodel = 'x'\nwire = 'y'"),
            "config.toml: endpont is not a setting; the nearest is endpoint",
            id="section",
        ),
        pytest.param(
            toml("model = 'x'"),
            "config.toml: model is not a setting; the nearest is ...",
            id="key without its section",
        ),
        pytest.param(
            toml("endpoint = 'x'"),
            "config.toml: endpoint is a section of keys, not a value",
            id="value for a section",
        ),
        pytest.param(
            editor({"": {}}), "the editor:  is not a setting; ...", id="no name"
        ),
        pytest.param(
            environment(FORETYPE_ENDPOINT_BASEURL="x"),
            "the environment: FORETYPE_ENDPOINT_BASEURL is not a setting; "
            "the nearest is FORETYPE_ENDPOINT_BASE_URL",
            id="variable",
        ),
    ],
)
def test_an_unknown_name_is_reported_with_the_nearest(
    layer: Layer, problem: str
) -> None:
    check_problem(layer, problem)


def test_the_variable_with_the_key_is_no_unknown_setting() -> None:
    check(environment(FORETYPE_API_KEY="sk-planted"), gives={})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(
            [
                toml("endpoint.api_key_env = 'FORETYPE_MY_KEY'"),
                environment(FORETYPE_MY_KEY="sk-planted"),
            ],
            id="named before",
        ),
        pytest.param(
            [
                environment(
                    FORETYPE_MY_KEY="sk-planted",
                    FORETYPE_ENDPOINT_API_KEY_ENV="FORETYPE_MY_KEY",
                )
            ],
            id="named by a variable",
        ),
        pytest.param(
            [
                environment(
                    FORETYPE_MY_KEY="sk-planted", FORETYPE_API_KEY="sk-planted"
                ),
                editor({"endpoint": {"apiKeyEnv": "FORETYPE_MY_KEY"}}),
            ],
            id="named later",
        ),
    ],
)
def test_the_variable_that_a_setting_names_is_no_unknown_setting(
    given: list[Layer],
) -> None:
    check(*given, gives={"endpoint.api_key_env": "FORETYPE_MY_KEY"})


def test_the_name_of_the_key_variable_is_no_setting_elsewhere() -> None:
    check_problem(
        editor({"FORETYPE_API_KEY": "sk-planted"}),
        "the editor: FORETYPE_API_KEY is not a setting; ...",
    )


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(editor({"apiKey": "sk-planted"}), id="apiKey"),
        pytest.param(editor({"endpoint": {"apiKey": "sk-planted"}}), id="in a section"),
        pytest.param(editor({"endpoint": "sk-planted"}), id="for a section"),
        pytest.param(toml("api_key = 'sk-planted'"), id="api_key"),
        pytest.param(
            editor({"endpoint": {"apiKeyCommand": ["echo", "sk-planted"]}}),
            id="for a command",
        ),
        pytest.param(
            environment(FORETYPE_ENDPOINT_API_KEY="sk-planted"), id="variable"
        ),
    ],
)
def test_a_key_under_a_wrong_name_is_not_repeated(layer: Layer) -> None:
    _, problems = layers.resolve([layer])
    assert len(problems) == 1
    assert "planted" not in problems[0]


# What is no value


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        pytest.param(
            toml("completion.enabled = 1"),
            "config.toml: completion.enabled must be true or false, not 1",
            id="switch",
        ),
        pytest.param(
            toml("endpoint.timeout_ms = 2.5"),
            "config.toml: endpoint.timeout_ms must be a whole number, not 2.5",
            id="fraction",
        ),
        pytest.param(
            toml("local.n_threads = true"),
            "config.toml: local.n_threads must be a whole number, not True",
            id="truth for a number",
        ),
        pytest.param(
            toml("endpoint.timeout_ms = 499"),
            "config.toml: endpoint.timeout_ms must be from 500 to 600000, not 499",
            id="too small",
        ),
        pytest.param(
            editor({"local": {"nThreads": 257}}),
            "the editor: local.nThreads must be from 0 to 256, not 257",
            id="too large",
        ),
        pytest.param(
            editor({"endpoint": {"model": ["a"]}}),
            "the editor: endpoint.model must be a string, not ['a']",
            id="string",
        ),
        pytest.param(
            toml("endpoint.wire = 'Chat'"),
            "config.toml: endpoint.wire must be one of completions, chat, responses, "
            "fim, mistral-fim, infill, ollama, not 'Chat'",
            id="choice",
        ),
        pytest.param(
            toml("endpoint.api_key_command = ['pass', 1]"),
            "config.toml: endpoint.api_key_command must be a list of strings, "
            "not ['pass', 1]",
            id="list",
        ),
        pytest.param(
            toml("endpoint.extra_body = ['a']"),
            "config.toml: endpoint.extra_body must be a table of what JSON has, "
            "not ['a']",
            id="table",
        ),
        pytest.param(
            toml("endpoint.extra_body = { since = 1979-05-27 }"),
            "config.toml: endpoint.extra_body must be a table of what JSON has, "
            "not {'since': datetime.date(1979, 5, 27)}",
            id="table with a date",
        ),
        pytest.param(
            toml("endpoint.extra_body = { top_p = nan }"),
            "config.toml: endpoint.extra_body must be a table of what JSON has, "
            "not {'top_p': nan}",
            id="table with no number",
        ),
        pytest.param(
            environment(FORETYPE_ENDPOINT_EXTRA_BODY="{top_p: 1}"),
            "the environment: FORETYPE_ENDPOINT_EXTRA_BODY must be a table of what "
            "JSON has, not '{top_p: 1}'",
            id="variable that is no JSON",
        ),
        pytest.param(
            editor({"endpoint": {"path": "https://elsewhere.invalid/v1"}}),
            "the editor: endpoint.path must be a path under base_url, such as "
            "/completions",
            id="path to another host",
        ),
        pytest.param(
            editor({"endpoint": {"warmUpPath": "//elsewhere.invalid/v1"}}),
            "the editor: endpoint.warmUpPath must be a path under base_url, such as "
            "/completions",
            id="path to another host without a scheme",
        ),
        pytest.param(
            toml("endpoint.path = 'v1/completions'"),
            "config.toml: endpoint.path must be a path under base_url, such as "
            "/completions",
            id="path that begins with no slash",
        ),
        pytest.param(
            environment(FORETYPE_COMPLETION_ENABLED="maybe"),
            "the environment: FORETYPE_COMPLETION_ENABLED must be true or false, "
            "not 'maybe'",
            id="variable that is no switch",
        ),
        pytest.param(
            environment(FORETYPE_LOCAL_N_THREADS="many"),
            "the environment: FORETYPE_LOCAL_N_THREADS must be a whole number, "
            "not 'many'",
            id="variable that is no number",
        ),
        pytest.param(
            environment(FORETYPE_LOCAL_N_THREADS="-1"),
            "the environment: FORETYPE_LOCAL_N_THREADS must be from 0 to 256, not -1",
            id="variable that is too small",
        ),
        pytest.param(
            environment(FORETYPE_LOCAL_N_THREADS="9" * 5_000),
            "the environment: FORETYPE_LOCAL_N_THREADS must be a whole number, "
            "not '9999...",
            id="variable that is endless",
        ),
        pytest.param(
            environment(FORETYPE_ENDPOINT_API_KEY_COMMAND="pass 'show"),
            "the environment: FORETYPE_ENDPOINT_API_KEY_COMMAND must be a list of "
            'strings, not "pass \'show"',
            id="variable with an open quote",
        ),
        pytest.param(
            toml("endpoint.usd_per_million_input_tokens = '0.3'"),
            "config.toml: endpoint.usd_per_million_input_tokens must be a number, "
            "not '0.3'",
            id="string for a price",
        ),
        pytest.param(
            toml("endpoint.usd_per_million_input_tokens = true"),
            "config.toml: endpoint.usd_per_million_input_tokens must be a number, "
            "not True",
            id="truth for a price",
        ),
        pytest.param(
            editor({"endpoint": {"usdPerMillionOutputTokens": -0.5}}),
            "the editor: endpoint.usdPerMillionOutputTokens must be from 0 to 10000, "
            "not -0.5",
            id="price below nothing",
        ),
        pytest.param(
            toml("endpoint.usd_per_million_input_tokens = nan"),
            "config.toml: endpoint.usd_per_million_input_tokens must be from 0 to "
            "10000, not nan",
            id="no number for a price",
        ),
        pytest.param(
            environment(FORETYPE_ENDPOINT_USD_PER_MILLION_INPUT_TOKENS="0,3"),
            "the environment: FORETYPE_ENDPOINT_USD_PER_MILLION_INPUT_TOKENS must be a "
            "number, not '0,3'",
            id="variable with a comma",
        ),
        pytest.param(
            toml(f"local.n_threads = 0x{'f' * 5_000}"),
            "config.toml: local.n_threads must be from 0 to 256, not int of some size",
            id="number too long to write out",
        ),
    ],
)
def test_a_wrong_value_is_reported_and_left_out(layer: Layer, problem: str) -> None:
    check_problem(layer, problem)


def test_a_wrong_value_leaves_what_an_earlier_place_said() -> None:
    resolved, problems = layers.resolve(
        [
            toml("completion.max_tokens_line = 7"),
            environment(FORETYPE_COMPLETION_MAX_TOKENS_LINE="8"),
            editor({"completion": {"maxTokensLine": 0, "prefixTokens": 900}}),
        ]
    )
    assert resolved == with_values(
        {"completion.max_tokens_line": 8, "completion.prefix_tokens": 900}
    )
    assert problems == [
        "the editor: completion.maxTokensLine must be from 1 to 4096, not 0"
    ]


def test_a_long_value_is_cut_in_the_report() -> None:
    _, (problem,) = layers.resolve([toml(f"endpoint.wire = '{'x' * 10_000}'")])
    assert len(problem) < 200


@pytest.mark.parametrize("value", [["touch", "pwned"], "touch pwned"], ids=repr)
def test_no_editor_can_name_a_command(value: object) -> None:
    check_problem(
        editor({"endpoint": {"apiKeyCommand": value}}),
        "the editor: endpoint.apiKeyCommand cannot be set by an editor, because a "
        f"folder it opens could then set it; put it into {layers.config_file()}",
    )


def test_no_editor_can_name_a_file_to_load() -> None:
    check_problem(
        editor({"local": {"modelPath": "/tmp/evil.gguf"}}),
        "the editor: local.modelPath cannot be set by an editor, ...",
    )


# What cannot work together


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param(
            "provider = 'openai-compatible'\nmodel = 'm'",
            ['endpoint.provider is "openai-compatible" and endpoint.base_url...'],
            id="no URL",
        ),
        pytest.param(
            "base_url = 'http://localhost/v1'",
            ["endpoint.model is not set, so nothing can be suggested; ..."],
            id="no model",
        ),
        pytest.param(
            "base_url = 'localhost:8080/v1'\nmodel = 'm'",
            ["endpoint.base_url must be a URL that begins with http:// or https://"],
            id="no scheme",
        ),
        pytest.param("base_url = 'http://h/v1'\nmodel = 'm'", [], id="all there"),
        pytest.param("provider = 'local'", [], id="local"),
        pytest.param(
            "provider = 'local'\nbase_url = 'junk'", [], id="local with a URL"
        ),
    ],
)
def test_an_endpoint_that_cannot_answer_is_told_beforehand(
    text: str, problems: list[str]
) -> None:
    given = tomllib.loads(text)
    gives = {f"endpoint.{key}": value for key, value in given.items()}
    check_problem(Layer("config.toml", {"endpoint": given}), *problems, gives=gives)


# Whatever comes, settings work

NAMES = [
    *(section for section, _, _ in layers.setting_fields()),
    *(key for _, key, _ in layers.setting_fields()),
    *(layers.camel_case(key) for _, key, _ in layers.setting_fields()),
]
KEYS = st.sampled_from(NAMES) | st.text(max_size=5)
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["auto", "local", "chat", "qwen", "http://h/v1"])
    | st.dates()
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
    ),
)
LIKELY = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=9), max_size=4)
VARIABLES = st.dictionaries(
    st.sampled_from(
        [layers.environment_name(s, k) for s, k, _ in layers.setting_fields()]
    )
    | st.text(max_size=5).map("FORETYPE_".__add__),
    st.text(max_size=9) | st.integers().map(str) | st.sampled_from(["true", "chat"]),
    max_size=9,
)


@given(
    in_file=LIKELY | st.dictionaries(KEYS, VALUES, max_size=4),
    variables=VARIABLES,
    in_editor=LIKELY | VALUES,
)
def test_whatever_is_set_all_settings_are_valid(
    in_file: dict[str, Any], variables: dict[str, str], in_editor: object
) -> None:
    from_editor, _ = layers.json_layer("the editor", in_editor)
    resolved, problems = layers.resolve(
        [Layer("config.toml", in_file), environment(**variables), from_editor]
    )
    assert len(set(problems)) == len(problems)
    check_valid(resolved)


TOML = [
    *("[", "]", "[endpoint]", "[completion]", "endpoint.", "model", "timeout_ms"),
    *("=", " = ", "\n", "'x'", '"""', "1", "-", "0x", "1979-05-27", "{", "}", ","),
    *("#", "\r", "\x00", "\ufeff", "\ud800"),
]


@given(st.lists(st.sampled_from(TOML), max_size=12).map("".join))
def test_whatever_is_in_the_file_it_is_read_or_ignored(text: str) -> None:
    path = FakePath(text)
    layer, problems = layers.file_layer(path)  # type: ignore[arg-type]
    assert bool(problems) <= (layer.values == {})
    check_valid(layers.resolve([layer])[0])


class FakePath:
    """A file in memory."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, encoding: str) -> str:
        return self._text.encode("utf-8", "surrogatepass").decode(encoding)


def check_valid(resolved: Settings) -> None:
    """Each value is what its own declaration says."""
    for section, key, declared in layers.setting_fields():
        value = getattr(getattr(resolved, section), key)
        expected = get_type_hints(type(getattr(resolved, section)))[key]
        allowed = declared.metadata
        if expected in (bool, int, float, str):
            assert type(value) is expected
        elif expected == Mapping[str, Any]:
            assert type(value) is dict
            assert json.loads(json.dumps(value, allow_nan=False)) == value
        else:
            assert type(value) is tuple
            assert all(isinstance(part, str) for part in value)
        if expected in (int, float):
            assert allowed["minimum"] <= value <= allowed["maximum"]
        if allowed["choices"]:
            assert value in allowed["choices"]
        if allowed["pattern"]:
            assert re.fullmatch(allowed["pattern"][0], value)


def test_the_defaults_are_valid() -> None:
    check_valid(Settings())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "gemma-3-270m"),
        ("local.model_path = '/models/Qwen2.5-Coder-1.5B.gguf'", "Qwen2.5-Coder-1.5B"),
        (f"{ENDPOINT}", "m"),
        (f"{ENDPOINT}provider = 'local'", "gemma-3-270m"),
    ],
    ids=["built in", "own file", "endpoint", "endpoint not used"],
)
def test_a_model_has_one_name(text: str, name: str) -> None:
    resolved, _ = layers.resolve([toml(text)])
    assert resolved.model_name == name


@pytest.mark.parametrize("wire", FIM_WIRES)
def test_a_wire_with_a_field_for_the_suffix_takes_no_markers(wire: str) -> None:
    text = f"{ENDPOINT}wire = '{wire}'\ntemplate = 'qwen'"
    resolved, problems = layers.resolve([toml(text)])
    assert (resolved.endpoint.template, problems) == ("suffix", [])
    asked = editor({"endpoint": {"wire": "completions"}})
    resolved, problems = layers.resolve([toml(text), asked])
    assert (resolved.endpoint.template, problems) == ("qwen", [])


def test_the_wires_are_those_that_the_settings_know() -> None:
    assert tuple(WIRES) == endpoint_settings.WIRES


def test_a_table_in_a_variable_is_json() -> None:
    check(
        environment(FORETYPE_ENDPOINT_EXTRA_BODY='{"options": {"num_ctx": 8192}}'),
        gives={"endpoint.extra_body": {"options": {"num_ctx": 8192}}},
    )


def test_null_leaves_what_was_set_before() -> None:
    before = toml("[endpoint]\nmodel = 'm'\nbase_url = 'http://h/v1'")
    unset = editor({"endpoint": {"model": None}, "completion": None})
    resolved, problems = layers.resolve([before, unset])
    assert (resolved.endpoint.model, problems) == ("m", [])


def test_a_path_may_be_written_as_one_name() -> None:
    resolved, problems = layers.resolve([editor({"completion.prefixTokens": 900})])
    assert (resolved.completion.prefix_tokens, problems) == (900, [])


def test_a_key_in_place_of_its_variable_is_refused_and_not_quoted() -> None:
    for key in ("sk-planted", "gsk_" + "planted" * 8, "planted key"):
        _, (problem,) = layers.resolve([editor({"endpoint": {"apiKeyEnv": key}})])
        assert "must be the name of a variable" in problem
        assert "planted" not in problem


@pytest.mark.parametrize("name", ["HOME", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"])
def test_an_editor_cannot_have_any_variable_sent(name: str) -> None:
    resolved, (problem,) = layers.resolve([editor({"endpoint": {"apiKeyEnv": name}})])
    assert resolved.endpoint.api_key_env == "FORETYPE_API_KEY"
    assert "endpoint.apiKeyEnv must begin with FORETYPE_" in problem
