"""Arguments that only newer releases of OpenTelemetry take."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def supported_arguments(function: Callable[..., Any], **arguments: object) -> dict[str, Any]:
    """Return those of the arguments that a function or class of the installed release takes.

    Args:
        function: it.
        arguments: what it is to be called with.
    """
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}
