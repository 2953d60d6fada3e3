"""The classes of OpenTelemetry that the package uses at run time, and the arguments of their constructors."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def used_classes() -> dict[str, Any]:
    """Return the classes by their full names, except OTLP messages and enumerations, which have no useful defaults."""
    found = {}
    for path in (SOURCE / "otel_tbot").rglob("*.py"):
        for module, name in _imports(ast.parse(path.read_text())):
            imported = getattr(importlib.import_module(module), name)
            if isinstance(imported, type) and not issubclass(imported, enum.Enum):
                found[f"{module}.{name}"] = imported
    return found


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.ImportFrom) and _is_of_opentelemetry(node.module or ""):
        yield from ((node.module or "", alias.name) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)


def _is_of_opentelemetry(module: str) -> bool:
    return module.startswith("opentelemetry.") and not module.startswith("opentelemetry.proto.")


def constructor(kind: Any) -> tuple[str, Callable[..., Any]] | None:  # noqa: ANN401  any class
    """Return the name and the function of a class's constructor; None if it is not written in Python."""
    for name in ("__new__", "__init__"):
        function = getattr(kind, name)
        if isinstance(function, FunctionType):
            return name, function
    return None


def arguments(kind: Any) -> list[str]:  # noqa: ANN401  any class
    """Return the names of the arguments that the constructor of a class takes."""
    found = constructor(kind)
    return list(inspect.signature(found[1]).parameters)[1:] if found else []
