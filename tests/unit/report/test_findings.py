"""The sentence above each chart, which suppression never makes untrue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_tbot.report.figures import NOT_SET, OTHERS, Figures, Row, Share, Table
from otel_tbot.report.findings import Strong, findings, plain
from tests.support import sample_figures


@pytest.fixture(scope="module")
def figures() -> Figures:
    """Return the figures of half a year."""
    return sample_figures.half_year()


def _sentence(figures: Figures, name: str) -> str:
    return plain(findings(figures).get(name, ()))


def _with_table(figures: Figures, **starts: tuple[int | None, int | None]) -> Figures:
    rows = tuple(
        Row(
            value=value,
            starts={"one-shot": one, "daemon": daemon},
            shares={
                "one-shot": None if one is None else one / (figures.starts["one-shot"] or 1),
                "daemon": None if daemon is None else daemon / (figures.starts["daemon"] or 1),
            },
            days=1,
        )
        for value, (one, daemon) in starts.items()
    )
    table = Table("join_type", rows, 2, {"one-shot": None, "daemon": None})
    return replace(figures, tables={**figures.tables, "join_type": table})


def test_every_chart_of_a_long_period_has_a_finding(figures: Figures) -> None:
    """Each question is answered by a sentence."""
    assert set(findings(figures)) == {
        "releases", "join_methods", "movement", "destinations", "helpers", "platforms",
        "per_day", "bursts", "old_releases", "hours", "new",
    }  # fmt: skip


def test_the_answer_is_emphasised(figures: Figures) -> None:
    """A format can emphasise the part that answers the question."""
    assert [part for part in findings(figures)["join_methods"] if isinstance(part, Strong)] == ["github", "kubernetes"]


def test_the_most_frequent_value_of_each_run_mode_is_named(figures: Figures) -> None:
    """Each run mode has its own share."""
    assert _sentence(figures, "join_methods") == (
        "github leads with 35% of the one-shot starts and kubernetes leads with 44% of the daemon starts."
    )


def test_a_value_that_leads_both_is_named_once(figures: Figures) -> None:
    """The same name is not repeated."""
    assert _sentence(figures, "platforms") == (
        "linux amd64 leads with 78% of the one-shot starts and 80% of the daemon starts."
    )


def test_a_value_that_a_hidden_one_may_exceed_does_not_lead(figures: Figures) -> None:
    """With more hidden starts than the shown value has, the sentence only says that it "has" its share."""
    total = figures.starts["one-shot"] or 0
    close = _with_table(figures, github=(round(total * 0.4), None))
    assert _sentence(close, "join_methods") == "github has 40% of the one-shot starts."
    clear = _with_table(figures, github=(round(total * 0.6), None))
    assert _sentence(clear, "join_methods") == "github leads with 60% of the one-shot starts."


def test_equal_values_do_not_lead() -> None:
    """Of two values with equally many starts, neither leads."""
    said = _sentence(sample_figures.three_events(), "releases")
    assert said == "18.4 has 50% of the one-shot starts and 18.4 leads with 100% of the daemon starts."


def test_no_release_leads_below_the_others(figures: Figures) -> None:
    """The other releases of a week may all be one release."""
    last = figures.steps[-1]
    shares = (Share(last, "daemon", "19.0", 0.4), Share(last, "daemon", OTHERS, 0.6))
    said = _sentence(replace(figures, releases=shares), "releases")
    assert said == "In the week of 16 November, 19.0 has 40% of the daemon starts."


def test_nothing_is_named_where_all_is_suppressed() -> None:
    """With too few starts of anything, no value is named and no share given."""
    sentences = findings(sample_figures.suppressed())
    assert set(map(plain, sentences.values())) == {"No value has enough starts to be shown."}
    assert set(sentences) == {"releases", "join_methods", "helpers", "platforms"}


def test_three_events_are_not_a_trend() -> None:
    """One hour says nothing about usual days, bursts, weeks and movement."""
    assert (
        findings(sample_figures.three_events())
        .keys()
        .isdisjoint({"per_day", "bursts", "old_releases", "hours", "movement", "new"})
    )


def test_a_burst_is_described(figures: Figures) -> None:
    """The sentence has the time, the number, the usual number, and what the starts have in common."""
    assert _sentence(figures, "bursts") == (
        "Yes, once: 29 September, 09:00 to 15:00 (UTC), 12,177 daemon starts where 282 would be usual; "
        "98% of them have 18.4.1 with kubernetes."
    )


def test_a_burst_without_a_common_value_names_none(figures: Figures) -> None:
    """A suppressed version is not mentioned."""
    burst = replace(figures.bursts[0], version=None, join_type=None, starts_of_these=None)
    assert _sentence(replace(figures, bursts=(burst,)), "bursts").endswith("282 would be usual.")


def test_several_bursts_are_counted(figures: Figures) -> None:
    """The largest is described."""
    burst = figures.bursts[0]
    said = _sentence(replace(figures, bursts=(replace(burst, starts=90), burst)), "bursts")
    assert said.startswith("Yes, twice. The largest: 29 September, 09:00")


def test_a_quiet_period_has_no_burst(figures: Figures) -> None:
    """The sentence says that there was no burst, in the hours that have a week before them."""
    said = _sentence(replace(figures, bursts=()), "bursts")
    assert said == "Not since 8 June: no hour stands out from the week before it. The first week has nothing before it."


def test_a_gap_is_reported(figures: Figures) -> None:
    """Days that may lack events are named."""
    assert _sentence(figures, "per_day").endswith(
        "19 September is so far below the days around that the store may lack events."
    )


def test_movement_is_in_points(figures: Figures) -> None:
    """The join method that moved most is named with its direction."""
    assert _sentence(figures, "movement").startswith(
        "From the first four whole weeks to the last four, bound_keypair rose by "
    )


def test_few_weeks_are_not_called_four(figures: Figures) -> None:
    """A short period is compared by the weeks that it has."""
    short = replace(figures, steps=figures.steps[:6])
    assert _sentence(short, "movement").startswith("From the first weeks to the last, ")


def test_the_hours_of_a_week_are_summed_only_if_all_are_shown(figures: Figures) -> None:
    """A share of the hours that are shown would not be a share of the starts."""
    hidden = tuple((day, hour, None if hour < 4 else starts) for day, hour, starts in figures.hours_of_week)
    assert _sentence(replace(figures, hours_of_week=hidden), "hours") == "Hours with few starts are left blank."
    assert _sentence(figures, "hours").startswith("In an average week, 80% of the one-shot starts come from Monday")


def test_unknown_versions_are_called_unknown(figures: Figures) -> None:
    """Without a known version, none is named."""
    row = Row(NOT_SET, figures.starts, {"one-shot": 1.0, "daemon": 1.0}, 3)
    table = Table("release", (row,), 0, {"one-shot": 0, "daemon": 0})
    said = _sentence(replace(figures, steps=(), tables={"release": table}), "releases")
    assert said == "no known version leads with 100% of the one-shot starts and 100% of the daemon starts."


def test_helpers_are_counted_only_if_starts_without_one_are_shown(figures: Figures) -> None:
    """Without the number of starts without a helper, the rest is unknown."""
    table = figures.tables["helper"]
    hidden = replace(figures, tables={"helper": replace(table, rows=table.rows[1:])})
    assert (
        _sentence(figures, "helpers") == "25% of the one-shot starts and 0% of the daemon starts are made by a helper."
    )
    assert _sentence(hidden, "helpers") == "gha:teleport-actions/auth has 12% of the one-shot starts."
