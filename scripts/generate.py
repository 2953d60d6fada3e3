"""Generates the schema table and the reference pages: `make generate`. Tests compare both with its output."""

from __future__ import annotations

import inspect
import os
import re
import textwrap
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import otel_tbot
from otel_tbot import opt_in, testing
from otel_tbot.cli import commands, exit_statuses
from otel_tbot.otlp import retry_codes, settings
from otel_tbot.plugins import environment_variables
from otel_tbot.report import clickhouse_address, clickhouse_ddl
from otel_tbot.schema.constants import RunMode
from scripts import schema_constants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

SOURCE = Path(__file__).parents[1]
FOLDER = SOURCE / "docs" / "reference"
CLICKHOUSE = SOURCE / "examples" / "clickhouse" / "schema.sql"
_STARS: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_CLOSED_SETS = {"RunMode": RunMode, "Signal": settings.Signal}
_REFUSED = "rejected: nothing is sent"
_UNSET = "one warning; counts as unset"
_OTHER_VALUE = {"insecure": "one warning; counts as `false`"}
_NOTICE = "<!-- Generated from the code by `make generate`. -->"

_SHELL_COMPLETION = """
## Shell completion

Commands, options, their values and files are completed with the Tab key once the shell has read a script, which
`otel-tbot` prints when this variable is set.

Bash 4.4 or newer, for new shells; without the package `bash-completion`, put `eval "$(_OTEL_TBOT_COMPLETE=bash_source
otel-tbot)"` into `~/.bashrc` instead:

```bash
mkdir -p ~/.local/share/bash-completion/completions
_OTEL_TBOT_COMPLETE=bash_source otel-tbot >~/.local/share/bash-completion/completions/otel-tbot
```

Zsh, in `~/.zshrc` after `compinit`:

```zsh
eval "$(_OTEL_TBOT_COMPLETE=zsh_source otel-tbot)"
```

Fish, for new shells:

```fish
_OTEL_TBOT_COMPLETE=fish_source otel-tbot >~/.config/fish/completions/otel-tbot.fish
```""".splitlines()


def commands_page() -> Iterator[str]:
    """Return the lines of the page about the command line."""
    group = commands._commands  # noqa: SLF001  only the program itself uses it otherwise
    yield from ("# Commands", "", _NOTICE, "", "`otel-tbot COMMAND [OPTIONS] ...`, or `python -m otel_tbot`.")
    yield ""
    yield from _paragraphs(inspect.cleandoc(group.help or ""))
    yield from ("", "Without a command the help goes to stderr, and the exit status is 2.")
    for name, command in sorted(group.commands.items()):
        usage = [name, "[OPTIONS]", *(one.metavar or one.human_readable_name for one in _arguments(command))]
        yield from ("", f"## `{' '.join(['otel-tbot', *usage])}`", "")
        yield from _paragraphs(inspect.cleandoc(command.help or ""))
        options = [one for one in command.params if isinstance(one, click.Option)]
        if options:
            yield from ("", "| option | meaning |", "|---|---|")
            yield from (f"| `{_option(one)}` | {one.help or ''} |" for one in options)
    yield from ("", "## Exit status", "", "| command | status | meaning |", "|---|---|---|")
    table = {"every command": exit_statuses.OF_EVERY_COMMAND, **exit_statuses.EXIT_STATUSES}
    yield from (
        f"| {name} | {status} | {meaning} |" for name, rows in table.items() for status, meaning in rows.items()
    )
    yield ""
    yield "If a signal ends a process, the exit status is the one that shells use, such as 130 after Ctrl-C."
    yield from _SHELL_COMPLETION


def _arguments(command: click.Command) -> list[click.Parameter]:
    return [one for one in command.params if isinstance(one, click.Argument)]


def _option(option: click.Option) -> str:
    words = ", ".join(option.opts)
    if option.is_flag:
        return words
    if isinstance(option.type, click.Choice):
        # A vertical bar would end the table cell.
        return f"{words} {' or '.join(map(str, option.type.choices))}"
    return f"{words} {option.metavar or option.type.name.upper()}"


def variables_page() -> Iterator[str]:
    """Return the lines of the page about environment variables."""
    yield from ("# Environment variables", "", _NOTICE, "", "## Consent", "")
    yield "The variables are checked in this order. The default is off."
    yield from ("", "| variable | meaning |", "|---|---|")
    yield f"| `{opt_in.SDK_DISABLED}` | `true` turns everything off, as everywhere in OpenTelemetry. |"
    yield f"| `{opt_in.DO_NOT_TRACK}` | Anything but empty, `0` or `false` turns everything off. |"
    yield f"| `{opt_in.OPT_IN}` | Exactly `1` turns it on. Everything else is off. |"
    yield from ("", "## Signal", "", "| variable | accepted | any other value |", "|---|---|---|")
    signal = environment_variables.OTEL_TBOT_SIGNAL
    meaning = "`logs` (the default) or `traces`: the signal that the commands and `send` use."
    yield f"| `{signal}` | {meaning} | {_REFUSED} |"
    yield from ("", "## Endpoint and transport", "")
    yield "The signal's variable takes precedence over the general one; an empty variable counts as unset, and words"
    yield "may be in upper or lower case. The keyword is the name of the same setting in a declarative file and in"
    yield "code, where it takes precedence over both, and where any other value is rejected."
    yield from ("", "| keyword | general variable | for one signal | accepted | any other value of a variable |")
    yield "|---|---|---|---|---|"
    for keyword, meaning in _attributes(settings.OTLPSettings):
        if keyword in settings.KEYWORDS:
            general = f"OTEL_EXPORTER_OTLP_{keyword.upper()}"
            signals = ", ".join(f"`{general.replace('OTLP_', f'OTLP_{one.upper()}_')}`" for one in settings.SIGNALS)
            other = _OTHER_VALUE.get(keyword, _UNSET) if keyword in settings.LENIENT else _REFUSED
            yield f"| `{keyword}` | `{general}` | {signals} | {meaning} | {other} |"
    codes = "names of gRPC's status codes after which the exporter tries again, separated by commas"
    yield f"|  | `{retry_codes.VARIABLE}` |  | {codes}, where the installed exporter knows the variable. | {_UNSET} |"
    yield ""
    yield "An invalid value that only affects how an event is sent does not cost the event: one warning names the"
    yield "variable, and the default applies. An invalid value for where to send, or to whom, is not guessed: nothing"
    yield "is sent, which is reported once. No message contains a value."
    yield "The sender of `run` prints nothing: `status` and `preview` show the same warnings."
    yield ""
    yield "The general endpoint is a base URL, to which `/v1/logs` or `/v1/traces` is added over HTTP; the signal's"
    yield "own endpoint and the keyword are used unchanged. tbot's own variables are read as tbot reads them."
    yield from ("", "## Metrics of `serve`", "")
    yield "The variables above, with `METRICS` in place of the signal, configure where the counters are sent, and how."
    yield from ("", "| variable | accepted | any other value |", "|---|---|---|")
    yield "| `OTEL_METRICS_EXPORTER` | `otlp`, or `none` (the default). | rejected: `serve` does not start |"
    interval = "milliseconds between two exports, above 0; by default 60000."
    yield f"| `OTEL_METRIC_EXPORT_INTERVAL` | {interval} | {_UNSET} |"
    timeout = "milliseconds that one export may take, above 0; by default 30000."
    yield f"| `OTEL_METRIC_EXPORT_TIMEOUT` | {timeout} | {_UNSET} |"
    yield ""
    yield "`OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER`, also with `GRPC` or a signal in its name, names code"
    yield "for Python's OTLP exporters. It is not loaded here, and one warning says so: set the headers instead."
    yield from ("", "## `report` of a database", "", "| variable | meaning |", "|---|---|")
    yield f"| `{clickhouse_address.PASSWORD}` | the password of the user in the address; by default none. |"
    yield "| `SSL_CERT_FILE` | the CA certificates to trust, in PEM format; by default the system's. |"


def entry_points_page() -> Iterator[str]:
    """Return the lines of the page about what OpenTelemetry loads."""
    yield from ("# Entry points", "", _NOTICE, "")
    yield "The names under which OpenTelemetry finds the components of this package. There is no distro and no"
    yield "configurator."
    yield from ("", "| group | name | object | what it is |", "|---|---|---|---|")
    for entry_point in sorted(distribution("otel-tbot").entry_points, key=lambda one: (one.group, one.name)):
        if entry_point.group.startswith("opentelemetry"):
            summary = (inspect.getdoc(entry_point.load()) or "").partition("\n")[0]
            value = entry_point.value.replace(":", ".")
            yield f"| `{entry_point.group}` | `{entry_point.name}` | `{value}` | {summary} |"


def python_api_page() -> Iterator[str]:
    """Return the lines of the page about the public names."""
    yield from ("# Python API", "", _NOTICE, "")
    yield "The public names of `otel_tbot`. Importing the package loads nothing else; each name is loaded on first use."
    yield from _names(otel_tbot)


def testing_page() -> Iterator[str]:
    """Return the lines of the page about the backend for tests."""
    yield from ("# The test backend: `otel_tbot.testing`", "", _NOTICE, "")
    yield from _docstring(testing)
    yield from _names(testing)


def _names(module: ModuleType) -> Iterator[str]:
    for name in sorted(set(module.__all__) - {"__version__"}, key=lambda one: (one.casefold(), one)):
        yield from ("", f"## `{name}`", "")
        yield from _object(getattr(module, name), name)


def _object(public: Any, name: str) -> Iterator[str]:  # noqa: ANN401  a function or a class
    is_error = isinstance(public, type) and issubclass(public, Exception)
    if not is_error:
        yield from ("```python", f"{name}{_signature(public)}", "```", "")
    yield from _docstring(public)
    if not isinstance(public, type) or is_error:
        return
    constructor = vars(public).get("__init__")
    if inspect.isfunction(constructor) and constructor.__doc__:
        yield from _docstring(constructor)
    for member_name, member in vars(public).items():
        if member_name.startswith("_") or not (inspect.isroutine(member) or isinstance(member, property)):
            continue
        function: Any = getattr(member, "fget", None) or getattr(member, "__func__", member)
        shown = "" if isinstance(member, property) else _signature(function)
        yield from ("", f"### `{name}.{member_name}{shown}`", "")
        yield from _docstring(function)


def _signature(public: Callable[..., Any]) -> str:
    parts, kinds = [], inspect.Parameter
    starred = False
    for name, parameter in inspect.signature(public).parameters.items():
        if name in {"self", "cls"}:
            continue
        if parameter.kind is kinds.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or parameter.kind in {kinds.KEYWORD_ONLY, kinds.VAR_POSITIONAL}
        prefix = _STARS.get(parameter.kind, "")
        # A named tuple keeps its annotations as references.
        annotation = getattr(parameter.annotation, "__forward_arg__", parameter.annotation)
        kind = "" if annotation is kinds.empty else f": {_with_closed_sets(annotation)}"
        default = "" if parameter.default is kinds.empty else f" = {_default(parameter.default)}"
        parts.append(f"{prefix}{name}{kind}{default}")
    returned = inspect.signature(public).return_annotation
    arrow = "" if isinstance(public, type) or returned is kinds.empty else f" -> {returned}"
    return f"({', '.join(parts)}){arrow}"


def _with_closed_sets(annotation: str) -> str:
    """Return an annotation in which the values of each closed set replace its name."""
    for name, values in _CLOSED_SETS.items():
        annotation = re.sub(rf"\b{name}\b", str(values).removeprefix("typing."), annotation)
    return annotation


def _default(value: object) -> str:
    if value is os.environ:
        return "os.environ"
    return repr(value) if isinstance(value, (str, int, float, bool, type(None))) else "..."


def _docstring(documented: object) -> Iterator[str]:
    for block in (inspect.getdoc(documented) or "").split("\n\n"):
        head, _, rest = block.partition("\n")
        if head in {"Args:", "Attributes:", "Raises:"}:
            yield from ("", f"{'Arguments' if head == 'Args:' else head[:-1]}:", "")
            yield from (f"- `{name}`: {text}" for name, text in _named(rest))
        elif head == "Returns:":
            yield from ("", f"Returns: {_joined(rest)}")
        else:
            yield from ("", *block.splitlines())


def _attributes(documented: type) -> Iterator[tuple[str, str]]:
    for block in (inspect.getdoc(documented) or "").split("\n\n"):
        head, _, rest = block.partition("\n")
        if head == "Attributes:":
            yield from _named(rest)


def _named(lines: str) -> Iterator[tuple[str, str]]:
    """Return the names and texts of a section of a docstring; continuation lines are indented."""
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(lines)):
        name, _, meaning = entry.partition(":")
        yield name, _joined(meaning)


def _joined(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(text: str) -> Iterator[str]:
    # click marks a paragraph that must not be wrapped with a control character.
    yield from text.replace("\b", "").splitlines()


def pages() -> dict[Path, str]:
    """Return each generated page and its text."""
    made = {
        "commands.md": commands_page(),
        "variables.md": variables_page(),
        "entry-points.md": entry_points_page(),
        "python-api.md": python_api_page(),
        "testing.md": testing_page(),
    }
    texts = {FOLDER / name: re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n" for name, lines in made.items()}
    return {**texts, CLICKHOUSE: clickhouse_ddl.script()}


def main() -> None:
    """Write everything that is generated."""
    schema_constants.write()
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
