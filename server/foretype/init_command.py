"""`foretype init`: asks where completions come from, and writes that down."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.prompt import Confirm, Prompt

from foretype import config_file, editor_snippets, layers, models, presets
from foretype.endpoint_settings import PRESETS, EndpointSettings
from foretype.errors import UsageError
from foretype.presets import Preset
from foretype.settings import Settings

OWN_URL = "openai-compatible"
LOCAL = "local"
CHOICES = (LOCAL, *PRESETS, OWN_URL)

_NO_TERMINAL = "there is no terminal to ask at; say it by --{0}"
# What providers' keys begin with; else, a long word of letters and digits is one.
_KEY = re.compile(
    r"(sk|pk|gsk|csk|xai|fw|tgp|nvapi|r8|key|hf|AIza|Bearer)[-_ ]?\S{16,}"
    r"|(?=.*\d)(?=.*[a-z])[\w.+/=-]{20,}"
)
_KEY_WARNING = (
    "that looks like a key itself, and was not written anywhere; what is wanted is the "
    "name of the variable that holds it, such as {0}"
)


@dataclass(frozen=True, slots=True)
class Given:
    """What options have said already."""

    provider: str | None = None
    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None


Plan = dict[tuple[str, str], str | None]
"""What each setting is to be; None takes it out of the file."""


def run(given: Given, *, takes_defaults: bool) -> int:
    """Asks, writes and says what comes next; returns the exit code.

    Raises: UsageError.
    """
    file = layers.config_file()
    written = config_file.read(file)
    asking = _Asking(takes_defaults)
    plan = _plan(given, asking)
    if not _write(file, written, plan, asking):
        print("Nothing was changed")
        return 1
    from_file, _ = layers.file_layer(file)
    settings, problems = layers.resolve([from_file, layers.environment_layer()])
    for problem in problems:
        print(f"foretype: {problem}", file=sys.stderr)
    _tell_what_wins(written, plan)
    variable = settings.endpoint.api_key_env
    is_wanted = settings.endpoint.needs_api_key or plan["endpoint", "api_key_env"]
    if is_wanted and not os.environ.get(variable):
        print(f"\nSet the key where your editor starts:\n\n{_export(variable)}")
    print(f"\n{editor_snippets.all_of(_command())}")
    print("\nNext: foretype doctor checks that all of it works")
    return 0


class _Asking:
    """Questions, where somebody is there to answer them."""

    def __init__(self, takes_defaults: bool) -> None:
        self._takes_defaults = takes_defaults
        self._can_ask = sys.stdin.isatty() and not takes_defaults
        self._console = Console(highlight=False)

    def text(self, option: str, question: str, default: str = "") -> str:
        """An answer, not empty unless the default is. Raises: UsageError."""
        if self._takes_defaults and default:
            return default
        if not self._can_ask:
            raise UsageError(_NO_TERMINAL.format(option))
        while True:
            try:
                said = Prompt.ask(
                    question, console=self._console, default=default or None
                )
            except EOFError:
                raise UsageError(_NO_TERMINAL.format(option)) from None
            if said and said.strip():
                return said.strip()

    def is_sure(self, question: str) -> bool:
        """Whether what is there may be changed. Raises: UsageError."""
        if self._takes_defaults:
            return True
        if not self._can_ask:
            raise UsageError(f"{question} Say so by --yes")
        try:
            return Confirm.ask(question, console=self._console, default=False)
        except EOFError:
            return False

    def refuse(self, why: str) -> None:
        """Says why an answer will not do, before it is asked for again.

        Raises: UsageError where it cannot be.
        """
        if not self._can_ask:
            raise UsageError(why)
        self._console.print(why)


def _plan(given: Given, asking: _Asking) -> Plan:
    """The answers to the three questions, as settings. Raises: UsageError."""
    provider = _provider(given, asking)
    plan: Plan = {
        ("endpoint", "provider"): provider,
        ("endpoint", "base_url"): None,
        ("endpoint", "model"): None,
        ("endpoint", "api_key_env"): None,
    }
    if provider == LOCAL:
        if given.base_url or given.api_key_env:
            raise UsageError("the built-in model has no URL and needs no key")
        name = given.model or asking.text("model", "Which model", models.BUILT_IN)
        path = None if name == models.BUILT_IN else str(models.find(name))
        return {**plan, ("local", "model_path"): path}

    preset = presets.shipped().get(provider, Preset(provider))
    if provider == OWN_URL or given.base_url:
        plan["endpoint", "base_url"] = _base_url(given, asking)
    default_model = str(preset.settings.get("model", ""))
    model = given.model or asking.text("model", "Which model", default_model)
    if model != default_model:
        plan["endpoint", "model"] = model
    default_env = str(preset.settings.get("api_key_env", EndpointSettings.api_key_env))
    variable = _variable(given, asking, default_env)
    # The key of a preset goes to its own URL only, unless it is named here.
    if variable != default_env or plan["endpoint", "base_url"]:
        plan["endpoint", "api_key_env"] = variable
    return plan


def _provider(given: Given, asking: _Asking) -> str:
    said = given.provider or (OWN_URL if given.base_url else None)
    while True:
        if said is None:
            question = f"Where do completions come from: {', '.join(CHOICES)}"
            said = asking.text("provider", question, LOCAL)
        if said in CHOICES:
            return said
        asking.refuse(f"{said!r} is none of {', '.join(CHOICES)}")
        said = None


def _base_url(given: Given, asking: _Asking) -> str:
    said = given.base_url
    while True:
        if said is None:
            question = "The API's URL, up to and with its /v1"
            said = asking.text("base-url", question)
        endpoint = EndpointSettings(provider=OWN_URL, base_url=said, model="any")
        problem = Settings(endpoint=endpoint).endpoint_problem
        if problem is None:
            return said
        asking.refuse(problem)
        said = None


def _variable(given: Given, asking: _Asking, default: str) -> str:
    """The name of the variable that holds the key, never the key itself."""
    said = given.api_key_env
    pattern, kind = _variable_pattern()
    while True:
        if said is None:
            said = asking.text(
                "api-key-env",
                "Which variable holds the key (its name, not the key)",
                default,
            )
        if said not in os.environ and _KEY.fullmatch(said):
            asking.refuse(_KEY_WARNING.format(default))
        elif not re.fullmatch(pattern, said):
            # It is not quoted: it may be a key of another form.
            asking.refuse(f"that is not {kind}; it was not written anywhere")
        else:
            return said
        said = None


def _variable_pattern() -> tuple[str, str]:
    declared = next(f for f in fields(EndpointSettings) if f.name == "api_key_env")
    pattern, kind = declared.metadata["pattern"]
    return pattern, kind


def _write(file: Path, written: Mapping[str, Any], plan: Plan, asking: _Asking) -> bool:
    """Changes what is to be otherwise than it is, once that is allowed."""
    changed = []
    for (section, key), value in plan.items():
        table = written.get(section)
        there = table.get(key) if isinstance(table, Mapping) else None
        if there is not None and there != value:
            into = "is taken out" if value is None else f"becomes {value!r}"
            changed.append(f"  {section}.{key} = {there!r} {into}")
    if changed:
        print(f"In {file}:\n" + "\n".join(changed))
        if not asking.is_sure("Change that?"):
            return False
    for (section, key), value in plan.items():
        config_file.change(file, section, key, value)
    print(f"{file} is written")
    return True


def _tell_what_wins(written: Mapping[str, Any], plan: Plan) -> None:
    """Says what else has a say, as it was before."""
    for section, key in plan:
        if (name := layers.environment_name(section, key)) in os.environ:
            print(f"but {name} is set in the environment, which wins over it")
    kept = [k for k in written.get("endpoint", {}) if ("endpoint", k) not in plan]
    if kept and plan["endpoint", "provider"] != LOCAL:
        names = ", ".join(f"endpoint.{key}" for key in kept)
        print(f"It also says {names}, which wins over the preset")


def _export(variable: str) -> str:
    if sys.platform == "win32":
        return f"  setx {variable} YOUR-KEY"
    return f"  export {variable}=YOUR-KEY"


def _command() -> str:
    """What an editor starts: this program, wherever it is."""
    if shutil.which("foretype"):
        return "foretype"
    beside = Path(sys.executable).with_name(
        "foretype.exe" if sys.platform == "win32" else "foretype"
    )
    return str(beside) if beside.exists() else "foretype"
