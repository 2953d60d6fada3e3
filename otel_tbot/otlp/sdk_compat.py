"""Arguments that only newer releases of OpenTelemetry accept."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def supported_arguments(function: Callable[..., Any], **arguments: object) -> dict[str, Any]:
    """Return the arguments that a function or class of the installed release accepts.

    Args:
        function: the function or class.
        arguments: the arguments to call it with.
    """
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}
