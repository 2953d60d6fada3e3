"""Change the core of the package in small ways, in a copy, and fail unless the unit tests notice 98 % of the changes.

Run by `make mutate`, in an environment with Cosmic Ray. A mutant that does not compile, or that only changes an
annotation, is neither run nor counted; `tests/unit/equivalent_mutants.toml` lists those that do not change behaviour.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tomllib
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import WorkerOutcome, WorkResult

ROOT = Path(__file__).parent.parent
REQUIRED = 98  # percent of the mutants that are not equivalent
# Each module, and the unit tests that must notice.
MODULES = {
    "opt_in.py": "test_opt_in.py",
    "event.py": "test_event.py tbot/test_start.py tbot/test_tbot_19.py",
    "session.py": "test_session.py",
    "schema/attribute.py": "schema test_event.py",
    "schema/constants.py": "schema test_event.py",
    "records.py": "test_records.py plugins test_api_emit.py",
    "timeout.py": "otlp/test_settings.py launcher/test_start_sender.py",
    "otlp/settings.py": "otlp/test_settings.py",
    "otlp/headers.py": "otlp/test_settings.py",
    "otlp/retry_codes.py": "otlp/test_settings.py",
    "otlp/endpoint.py": "otlp/test_endpoint.py",
    "otlp/client.py": "otlp/test_client.py",
    "otlp/deadline.py": "otlp/test_deadline.py",
    "otlp/response.py": "otlp/test_response.py",
}
TIMEOUT = 60  # seconds for one mutant


def code(text: str) -> str | None:
    """Return a module's behaviour as text; None if it does not compile.

    Left out are annotations, `TYPE_CHECKING`, and whether an argument may be positional.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arguments):
            node.args, node.posonlyargs, node.kwonlyargs = node.posonlyargs + node.args + node.kwonlyargs, [], []
            node.defaults, node.kw_defaults = [*node.defaults, *filter(None, node.kw_defaults)], []
    tree.body = [node for node in tree.body if "TYPE_CHECKING" not in ast.dump(node)]
    return ast.dump(tree)


def mutants(module: str) -> list[tuple[str, bool]]:
    """Run one module's mutants in a copy; return the changed lines of each that counts, and whether it was noticed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "tree")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "build", "dist", ".*_cache"))
        found = _run_mutants(copy, module, MODULES[module])
    unnoticed = [f"survived: {change}" for change, noticed in found if not noticed]
    noticed = f"{module}: {len(found) - len(unnoticed)} of {len(found)} noticed in {time.monotonic() - started:.0f} s"
    print("\n".join([noticed, *unnoticed]), flush=True)
    return found


def _run_mutants(copy: Path, module: str, tests: str) -> list[tuple[str, bool]]:
    paths = " ".join(f"tests/unit/{name}" for name in tests.split())
    config, session = copy / "mutate.toml", copy / "mutate.sqlite"
    plugins = "-p no:cacheprovider -p no:randomly -p no:hypothesispytest -p no:xdist"  # the last two load slowly
    command = f"{sys.executable} -m pytest -q -x {plugins} {paths}"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = ["otel_tbot/{module}"]\ntimeout = {TIMEOUT}.0\nexcluded-modules = []\n'
        f"test-command = {json.dumps(command)}\n[cosmic-ray.distributor]\nname = 'local'\n"
    )
    session.unlink(missing_ok=True)
    tool = Path(sys.executable).with_name("cosmic-ray")
    for arguments in (["baseline", config], ["init", config, session]):
        subprocess.run([tool, *arguments], cwd=copy, check=True, stdout=subprocess.DEVNULL)
    _skip_what_does_not_count(session, (ROOT / "otel_tbot" / module).read_text())
    # Python matches bytecode to its source by size and second: within one second, it could run another mutant's.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([tool, "exec", config, session], cwd=copy, env=environ, check=True, stdout=subprocess.DEVNULL)
    dump = subprocess.run([tool, "dump", session], cwd=copy, check=True, capture_output=True, text=True).stdout
    found = []
    for line in dump.splitlines():
        _, result = json.loads(line)
        if result["worker_outcome"] == WorkerOutcome.SKIPPED:
            continue
        diff = [part for part in result["diff"].splitlines() if part[:1] in "+-" and part[:3] not in {"---", "+++"}]
        before = "\n".join(part[1:] for part in diff if part.startswith("-"))
        after = "\n".join(part[1:] for part in diff if part.startswith("+"))
        change = f"{module}: {before.strip()} -> {after.strip()}"
        found.append((change, result["test_outcome"] != "survived"))
    return found


def _skip_what_does_not_count(session: Path, original: str) -> None:
    with use_db(str(session)) as database:
        for item in list(database.pending_work_items):
            [mutation] = item.mutations
            operator = get_operator(mutation.operator_name)(**mutation.operator_args)
            try:
                mutant = mutate_code(original, operator, mutation.occurrence)
            except AttributeError:  # Cosmic Ray cannot change the dotted name of an exception
                mutant = original
            if code(mutant) in {None, code(original)}:
                database.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def main() -> None:
    """Compare the survivors of every module with the list of equivalent mutants."""
    equivalents = tomllib.loads((ROOT / "tests/unit/equivalent_mutants.toml").read_text(encoding="utf-8"))
    modules = sys.argv[1:] or list(MODULES)
    changes = (entry["change"] for entry in equivalents.get("mutant", []))
    equivalent = {change for change in changes if change.partition(": ")[0] in modules}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [one for of_module in pool.map(mutants, modules) for one in of_module]
    counted = [(change, noticed) for change, noticed in found if change not in equivalent]
    survivors = [change for change, noticed in counted if not noticed]
    for change in survivors:
        print(f"must be noticed: {change}")
    for change in sorted(equivalent - {change for change, noticed in found if not noticed}):
        print(f"no longer survives, remove it from the list: {change}")
    share = 100 * (len(counted) - len(survivors)) / max(len(counted), 1)
    print(f"mutate: {len(counted) - len(survivors)} of {len(counted)} mutants were noticed, {share:.1f} %")
    sys.exit(not counted or share < REQUIRED)


if __name__ == "__main__":
    main()
