"""The command `foretype`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from foretype import __version__, layers, logs
from foretype.errors import ForetypeError, UsageError
from foretype.layers import Layer

_DESCRIPTION = """\
Foretype is a language server that shows AI completions as ghost text while you type.
Without a command it serves an editor on standard input and output."""

_EPILOG = """\
first steps:
  foretype init                    say where completions come from
  foretype doctor                  find out whether all of it works, and how well
  foretype demo                    watch the built-in model complete real code
  foretype complete app.py:12:9    one completion, at line 12, column 9 of app.py
  foretype models                  which models there are for your machine
  foretype stats                   what was suggested so far, and what became of it
  foretype                         what an editor runs; it speaks LSP

Completions come from the built-in local model until you set an endpoint, in
  %s
"""


def main() -> None:
    """Runs the command line; every error is one line and a non-zero exit code."""
    arguments = _parser().parse_args(_places_last(sys.argv[1:]))
    logs.to_file(arguments.log_file, arguments.log_level)
    try:
        sys.exit(arguments.run(arguments))
    except ForetypeError as error:
        print(f"foretype: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _places_last(argv: list[str]) -> list[str]:
    """The arguments with `-:LINE:COL` at the end, where it cannot be an option."""
    places = [argument for argument in argv if argument.startswith("-:")]
    if not places:
        return argv
    return [*(a for a in argv if a not in places), "--", *places]


def user_layers() -> tuple[list[Layer], list[str]]:
    """The settings a user has made outside of any editor, and what is wrong there."""
    from_file, problems = layers.file_layer(layers.config_file())
    return [from_file, layers.environment_layer()], problems


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="foretype",
        description=_DESCRIPTION,
        epilog=_EPILOG % layers.config_file(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_serve)
    parser.add_argument(
        "--version", action="version", version=f"foretype {__version__}"
    )
    parser.add_argument(
        "--stdio",
        action="store_true",
        help="serve an editor on standard input and output (the default)",
    )
    _add_network(parser)
    parser.add_argument(
        "--log-file",
        type=Path,
        default=logs.default_file(),
        metavar="FILE",
        help="where to log (default: %(default)s)",
    )
    parser.add_argument(
        "--log-level",
        choices=logs.LEVELS,
        default="info",
        help="how much to log (default: %(default)s)",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    complete = commands.add_parser(
        "complete",
        help="print one completion",
        description="Prints the completion at one place of a file as it arrives. The "
        "line is completed as if it ended there.",
    )
    complete.add_argument(
        "place",
        metavar="FILE:LINE:COL",
        help="line and column count from 1; FILE may be - for standard input",
    )
    complete.add_argument(
        "--lines",
        action="store_true",
        help="complete a block of lines, not only what the place asks for",
    )
    complete.set_defaults(run=_complete)

    demo = commands.add_parser(
        "demo",
        help="watch a short typing session",
        description="Plays a typing session through the real server, and draws what an "
        "editor would.",
    )
    demo.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="the file to type from (default: a small sample)",
    )
    demo.add_argument(
        "--record", type=Path, metavar="SVG", help="save the best picture as an SVG"
    )
    demo.set_defaults(run=_demo)

    _add_models(commands)
    _add_init(commands)
    _add_doctor(commands)

    stats = commands.add_parser(
        "stats",
        help="show what was suggested so far, and what became of it",
        description="Prints counts of suggestions, how quick they were and what they "
        "cost. They are kept on this machine only.",
    )
    form = stats.add_mutually_exclusive_group()
    form.add_argument(
        "--html",
        nargs="?",
        const="",
        metavar="FILE",
        help="make a page with charts, and print where it is (default: a file in your "
        "cache folder)",
    )
    form.add_argument(
        "--json", action="store_true", help="print the numbers for a program"
    )
    stats.set_defaults(run=_stats)
    return parser


def _add_network(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group(
        "over the network", "for editors in containers and browsers"
    )
    network.add_argument(
        "--tcp",
        metavar="[HOST:]PORT",
        help="serve editors that connect to a port; without HOST, of this machine only",
    )
    network.add_argument(
        "--websocket",
        metavar="[HOST:]PORT",
        help="the same by WebSocket, for web pages too",
    )
    network.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="a file with the token that clients must show (or set FORETYPE_TOKEN)",
    )
    network.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages from here connect, as https://editor.example.com",
    )
    network.add_argument(
        "--idle-timeout",
        type=float,
        default=4.0,
        metavar="HOURS",
        help="leave a client that has sent nothing for so long (default: %(default)g)",
    )


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    models = commands.add_parser(
        "models",
        help="show the models that run on this machine, choose one, get another",
        description="Shows, chooses, gets and deletes models for the built-in server.",
    )
    models.set_defaults(run=_models, action="list", name="")
    actions = models.add_subparsers(title="actions", metavar="ACTION")
    actions.add_parser("list", help="show what there is, and what may be had")
    use = actions.add_parser("use", help="have completions come from a model")
    use.add_argument(
        "name", metavar="NAME", help="a model of the list, or the path of a GGUF file"
    )
    pull = actions.add_parser("pull", help="get a model from a hub")
    pull.add_argument(
        "name", metavar="NAME", help="a name of the list, or OWNER/REPO[:FILE.gguf]"
    )
    pull.add_argument(
        "--hub", metavar="URL", help="the hub (default: local.hub_url of the settings)"
    )
    pull.add_argument(
        "--token-env",
        metavar="VARIABLE",
        help="the variable that holds your token, for models that want one (default: "
        "HF_TOKEN, and none for another hub)",
    )
    remove = actions.add_parser("remove", help="delete a model that was pulled")
    remove.add_argument("name", metavar="NAME")
    for action, parser in {"use": use, "pull": pull, "remove": remove}.items():
        parser.set_defaults(action=action)


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser(
        "init",
        help="say where completions come from",
        description="Asks where completions come from, which model, and which variable "
        "holds the key, and writes config.toml. What an option says is not asked.",
    )
    init.add_argument(
        "--provider",
        metavar="NAME",
        help="a preset (as mistral), local, or openai-compatible for another URL",
    )
    init.add_argument(
        "--base-url", metavar="URL", help="the API's URL, where there is no preset"
    )
    init.add_argument("--model", metavar="NAME", help="(default: the preset's)")
    init.add_argument(
        "--api-key-env",
        metavar="VARIABLE",
        help="the name of the variable that holds the key (default: the preset's)",
    )
    init.add_argument(
        "--yes",
        action="store_true",
        help="take the defaults and change what is set already, without asking",
    )
    init.set_defaults(run=_init)


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="find out what stands between you and completions",
        description="Checks settings, key, network and model, how quick it is and what "
        "its cache does, and says the way out of whatever is wrong. It sends some "
        "fifteen short requests, with a text of its own.",
    )
    doctor.add_argument(
        "--json", action="store_true", help="print what was seen for a program"
    )
    doctor.set_defaults(run=_doctor)


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.tcp or arguments.websocket:
        return _serve_network(arguments)
    if sys.stdin.isatty() and not arguments.stdio:
        _parser().print_help(sys.stderr)
        print(
            "An editor starts foretype by itself; there is nothing to type here.",
            file=sys.stderr,
        )
        return 2
    from foretype.server import Server
    from foretype.session import Session

    return asyncio.run(Server(Session(*user_layers())).serve_stdio())


def _serve_network(arguments: argparse.Namespace) -> int:
    from foretype import serving
    from foretype.clients import Policy
    from foretype.server import Server
    from foretype.session import Session

    def address(text: str | None) -> serving.Address | None:
        return None if text is None else serving.Address.parse(text)

    if arguments.stdio:
        raise UsageError("--stdio serves one editor, and cannot be had with the others")
    if not arguments.idle_timeout > 0:
        raise UsageError("--idle-timeout must be more than 0 hours")
    policy = Policy(
        serving.read_token(arguments.token_file),
        tuple(arguments.allow_origin),
        arguments.idle_timeout * 3600,
    )
    return asyncio.run(
        serving.serve(
            policy,
            lambda: Server(Session(*user_layers()), is_remote=True),
            at_tcp=address(arguments.tcp),
            at_websocket=address(arguments.websocket),
        )
    )


def _complete(arguments: argparse.Namespace) -> int:
    from foretype import complete

    layers, problems = user_layers()
    for problem in problems:
        print(f"foretype: {problem}", file=sys.stderr)
    return asyncio.run(
        complete.run(arguments.place, layers, is_invoked=arguments.lines)
    )


def _demo(arguments: argparse.Namespace) -> int:
    from foretype import demo

    return asyncio.run(demo.run(arguments.file, arguments.record))


def _models(arguments: argparse.Namespace) -> int:
    from foretype import models_command

    settings, _ = layers.resolve(user_layers()[0])
    if arguments.action == "use":
        return models_command.use(arguments.name, settings)
    if arguments.action == "pull":
        return models_command.pull(
            arguments.name,
            settings,
            hub_url=arguments.hub,
            token_env=arguments.token_env,
        )
    if arguments.action == "remove":
        return models_command.remove(arguments.name, settings)
    return models_command.show(settings)


def _init(arguments: argparse.Namespace) -> int:
    from foretype import init_command

    return init_command.run(
        init_command.Given(
            provider=arguments.provider,
            base_url=arguments.base_url,
            model=arguments.model,
            api_key_env=arguments.api_key_env,
        ),
        takes_defaults=arguments.yes,
    )


def _doctor(arguments: argparse.Namespace) -> int:
    from foretype import doctor_command

    given, problems = user_layers()
    settings, wrong = layers.resolve(given)
    return asyncio.run(
        doctor_command.run(settings, problems + wrong, as_json=arguments.json)
    )


def _stats(arguments: argparse.Namespace) -> int:
    from foretype import stats_command

    settings, _ = layers.resolve(user_layers()[0])
    return stats_command.run(
        arguments.html, as_json=arguments.json, is_enabled=settings.stats.enabled
    )
