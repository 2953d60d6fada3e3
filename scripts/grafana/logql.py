"""The questions in LogQL, over the log records that Loki keeps: attributes are structured metadata, with `_` for a dot.

LogQL cannot query the results of a query. So it has no medians, and bursts cannot be left out of a share.
"""

from __future__ import annotations

from otel_tbot.report import display
from otel_tbot.report.figures import NOT_SET, RUN_MODES
from otel_tbot.report.formats.phrases import LABELS
from otel_tbot.report.trends import IN_USE, NEW_IN, RECENT

RANGE = "$__range"
WEEK = "7d"
DAY = "1d"
HOUR = "1h"
WEEKS = f"{RECENT.days}d"  # within what Loki allows at once by default: 30 days and one hour
MAJORS = "$supported_majors"  # of the board
RUN_MODE = "tbot_run_mode"
_STARTS = '{service_name="tbot"}'
_ONE_SHOT, _DAEMON = RUN_MODES
_EPOCH = "(unixEpoch __timestamp__)"


def _set(label: str) -> str:
    """Return the template of a label's value, with a text where it is missing."""
    return f'{{{{ default "{NOT_SET}" .{label} }}}}'


# The first numbers of a version: the rest is found, and cut off.
_RELEASE = '{{ default "%s" (trimSuffix (regexReplaceAll "^[0-9]+([.][0-9]+)?" .tbot_version "") .tbot_version) }}'
_TEMPLATES = {
    "release": _RELEASE % NOT_SET,
    "version": _set("tbot_version"),
    "join_type": _set("tbot_join_type"),
    "helper": _set("tbot_helper"),
    "platform": f"{_set('os_type')} {_set('host_arch')}",
}
_MAJOR = '{{ regexReplaceAll "[.-].*" .tbot_version "" }}'
# In UTC, which may differ from the server's time zone. The first day of the epoch was a Thursday.
_ISO_DAY = f"{{{{ add 1 (mod (add 3 (div {_EPOCH} 86400)) 7) }}}}"
_HOUR_OF_DAY = f'{{{{ printf "%02d:00" (div (mod {_EPOCH} 86400) 3600) }}}}'


def _selected(mode: str | None = None) -> str:
    """Return the selector of the starts of a run mode, or of all."""
    return f'{_STARTS} | {RUN_MODE}="{mode}"' if mode else f'{_STARTS} | {RUN_MODE}=~"{"|".join(RUN_MODES)}"'


def _labelled(label: str, template: str) -> str:
    """Return the stage that adds a label."""
    return f"| label_format {label}=`{template}`"


def count(mode: str | None = None, *, over: str = RANGE) -> str:
    """Return the query for the starts of a run mode, or of all."""
    return f"sum(count_over_time({_selected(mode)} [{over}]))"


def by_run_mode(*, over: str = RANGE) -> str:
    """Return the query for the starts of each run mode."""
    return f"sum by ({RUN_MODE}) (count_over_time({_selected()} [{over}]))"


def by(dimension: str, mode: str, *, over: str = RANGE) -> str:
    """Return the query for the starts of each value of a dimension."""
    stage = _labelled(dimension, _TEMPLATES[dimension])
    return f"sum by ({dimension}) (count_over_time({_selected(mode)} {stage} [{over}]))"


def share(dimension: str, mode: str, *, over: str = RANGE) -> str:
    """Return the query for the share of each value of a dimension."""
    return f"{by(dimension, mode, over=over)} / on() group_left() {count(mode, over=over)}"


def share_before(dimension: str, mode: str) -> str:
    """Return the query for the share of each value in the four weeks before the last four."""
    return share(dimension, mode, over=WEEKS).replace(f"[{WEEKS}]", f"[{WEEKS}] offset {WEEKS}")


def destinations(kind: str) -> str:
    """Return the query for the shares of starts with none, one, two, and more destinations of a kind."""
    number = f"(int .tbot_destinations_{kind})"
    none, *some, most = display.NUMBERS_OF_DESTINATIONS
    cases = "".join(f"{{{{ else if eq {number} {place} }}}}{name}" for place, name in enumerate(some, start=1))
    bucket = f"{{{{ if lt {number} 1 }}}}{none}{cases}{{{{ else }}}}{most}{{{{ end }}}}"
    counted = f"count_over_time({_selected()} {_labelled('number', bucket)} [{RANGE}])"
    return f"sum by ({RUN_MODE}, number) ({counted}) / on({RUN_MODE}) group_left() {by_run_mode()}"


def _old(over: str, supported: str) -> str:
    """Return the query for the starts of each run mode with an old release.

    A major release with less than a fixed share of the starts is not in use, and does not make others old.
    """
    stages = f'{_labelled("major", _MAJOR)} | major!="" {_labelled("number", "{{ .major }}")}'
    counted = f"count_over_time({_selected()} {stages} [{over}])"
    numbers = f"max_over_time({_selected()} {stages} | unwrap number [{over}]) by (major)"
    in_use = f"(sum by (major) ({counted}) >= on() group_left() ({IN_USE} * sum({counted})))"
    newest = f"max({numbers} and on(major) {in_use})"
    is_old = f"({numbers} <= on() group_left() ({newest} - {supported}))"
    return f"sum by ({RUN_MODE}) (sum by ({RUN_MODE}, major) ({counted}) and on(major) {is_old})"


def old_releases(*, over: str = WEEK, supported: str = MAJORS) -> str:
    """Return the query for the share of each run mode's starts with an old release, of those with a known one."""
    known = f'sum by ({RUN_MODE}) (count_over_time({_selected()} | tbot_version!="" [{over}]))'
    return f"({_old(over, supported)} or 0 * {known}) / on({RUN_MODE}) {known}"


def old_releases_that_count(*, over: str, supported: int, at_least: int) -> str:
    """Return the same query, limited to run modes with at least this number of starts with an old release."""
    old = _old(over, str(supported))
    return f"({old_releases(over=over, supported=str(supported))}) and on({RUN_MODE}) ({old} >= {at_least})"


def hours() -> str:
    """Return the query for the average of one-shot starts in each hour of the week."""
    stages = f"{_labelled('day', _ISO_DAY)} {_labelled('hour', _HOUR_OF_DAY)}"
    counted = f"count_over_time({_selected(_ONE_SHOT)} {stages} [{RANGE}])"
    return f"sum by (day, hour) ({counted}) / ({RANGE}_s / {7 * 86_400})"


def new(dimension: str, *, recent: str = WEEKS, before: str = WEEKS, first: str = "") -> str:
    """Return the query for the starts of values that were not seen before.

    Args:
        dimension: what to look at.
        recent: the time in which they were seen.
        before: the time before that.
        first: the time that must have starts, or else everything would be new; by default, all the time before.
    """
    what = f"{_labelled('what', LABELS[dimension])} {_labelled('value', _TEMPLATES[dimension])}"
    stages = f'{what} | value!="{NOT_SET}"'
    earlier = f"[{before}] offset {recent}"
    return (
        f"sum by (what, value, {RUN_MODE}) (count_over_time({_selected()} {stages} [{recent}])) "
        f"unless on(value) sum by (value) (count_over_time({_selected()} {stages} {earlier})) "
        f"and on() (sum(count_over_time({_selected()} {first or earlier})) > 0)"
    )


def all_new() -> str:
    """Return that query for every dimension with new values."""
    return " or ".join(f"({new(dimension)})" for dimension in NEW_IN)


def starts_now() -> str:
    """Return the query for the starts of the last day."""
    return f"{count(over=DAY)} or vector(0)"


def daemons_by_hour() -> str:
    """Return the query for the daemon starts of an hour, without a gap where there are none."""
    return f"{count(_DAEMON, over=HOUR)} or vector(0)"


def daemons_before() -> str:
    """Return the query for the daemon starts before the history of a burst, which has to be a week long."""
    return f"sum(count_over_time({_selected(_DAEMON)} [{RECENT.days - 7}d] offset {WEEK})) or vector(0)"


def new_join_methods_now() -> str:
    """Return the query for the starts of join methods that were first seen in the last day, of the last weeks."""
    return new("join_type", recent=DAY, before=f"{RECENT.days - 1}d", first=f"[{DAY}] offset {RECENT.days - 1}d")
