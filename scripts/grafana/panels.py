"""Panels of Grafana, built from the table of questions with the types of Grafana's Foundation SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import loki, table, text, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import loki as loki_models
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.text import TextMode

from otel_tbot.report import display
from otel_tbot.report.dimensions import KINDS
from scripts.grafana import questions
from scripts.grafana.questions import FULL, HALF, QUESTIONS, SHARE_OF, TOTALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.grafana.questions import Backend, Panel

TYPES: dict[Backend, str] = {"clickhouse": "grafana-clickhouse-datasource", "loki": "loki"}
_HEIGHTS = {"table": 9, "stacked": 10, "bars": 9, "lines": 9, "hours": 15}
_SHORT = 4
_PERCENT = "percentunit"
_SHARES = {*SHARE_OF.values(), "before", "after", "share of these", *display.NUMBERS_OF_DESTINATIONS, *KINDS}


@dataclass(frozen=True, kw_only=True)
class ClickHouseQuery(Dataquery):
    """A query of the data source for ClickHouse, which the SDK has no type for.

    Attributes:
        sql: the query, with the macros of the data source.
        shape: `table` or `timeseries`.
        ref_id: its letter.
        source: the data source.
    """

    sql: str
    shape: str
    ref_id: str
    source: DataSourceRef

    def to_json(self) -> dict[str, object]:
        """Return the query in the JSON format of the data source."""
        return {
            "datasource": self.source,
            "editorType": "sql",
            "format": 1 if self.shape == "table" else 0,
            "pluginVersion": "4.0.0",
            "queryType": self.shape,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


@dataclass(frozen=True)
class Built(Builder[Dataquery]):
    """A query that is already built."""

    query: Dataquery

    def build(self) -> Dataquery:
        """Return the query."""
        return self.query


def queries(panel: Panel, backend: Backend, source: DataSourceRef) -> Iterator[Builder[Any]]:
    """Return the queries of a panel."""
    is_table = panel.picture in {"table", "hours"}
    for place, query in enumerate(panel.queries):
        letter = chr(ord("A") + place)
        if backend == "clickhouse":
            shape = "table" if is_table else "timeseries"
            yield Built(ClickHouseQuery(sql=query, shape=shape, ref_id=letter, source=source))
            continue
        kind = loki_models.LokiQueryType.INSTANT if is_table else loki_models.LokiQueryType.RANGE
        query_builder = loki.Dataquery().expr(query).ref_id(letter).query_type(kind).datasource(source)
        query_builder.editor_mode(loki_models.QueryEditorMode.CODE)
        if not is_table:
            query_builder.legend_format(panel.names[place]).step(panel.step)
        yield query_builder


def note(content: str) -> text.Panel:
    """Return the first panel of a board, which lists its limits."""
    return text.Panel().title("Limits of this board").mode(TextMode.MARKDOWN).content(content).span(FULL).height(8)


def build(name: str, panel: Panel, backend: Backend, source: DataSourceRef) -> Builder[dashboard.Panel]:
    """Return a panel.

    Args:
        name: the name of the question.
        panel: how it is shown.
        backend: the backend to query.
        source: the data source.
    """
    built = _table(panel, backend) if panel.picture in {"table", "hours"} else _series(panel)
    title = QUESTIONS.get(name, TOTALS)
    built.title(f"{title} ({panel.part})" if panel.part else title).description(panel.legend).datasource(source)
    built.span(panel.width).height(_SHORT if name == "totals" else _HEIGHTS[panel.picture])
    built.targets(list(queries(panel, backend, source)))
    return built


def _table(panel: Panel, backend: Backend) -> table.Panel:
    built = table.Panel().no_value("").filterable(True)  # noqa: FBT003  the setter of a builder
    shares = "|".join(sorted(_SHARES))
    if panel.picture == "hours":
        built.decimals(1).color_scheme(_colour("continuous-blues"))
        built.cell_options(common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC))
        return built if backend == "clickhouse" else built.transformations(list(_matrix()))
    built.override_by_regexp(
        f"/^({shares})$/",
        [
            DynamicConfigValue(id_val="unit", value=_PERCENT),
            DynamicConfigValue(id_val="min", value=0),
            DynamicConfigValue(id_val="max", value=1),
            DynamicConfigValue(id_val="decimals", value=1),
            DynamicConfigValue(
                id_val="custom.cellOptions",
                value=common.TableBarGaugeCellOptions(mode=common.BarGaugeDisplayMode.BASIC),
            ),
        ],
    )
    built.override_by_name("change in points", [DynamicConfigValue(id_val="decimals", value=1)])
    if panel.columns:
        built.transformations(list(_merged(panel)))
    return built


def _merged(panel: Panel) -> Iterator[DataTransformerConfig]:
    """Merge the answers to several queries into one table."""
    yield DataTransformerConfig(id_val="merge", options={})
    yield DataTransformerConfig(
        id_val="organize",
        options={"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": dict(panel.columns or {})},
    )


def _matrix() -> Iterator[DataTransformerConfig]:
    """Turn a list into a table of hours and days."""
    days = {str(place): name for place, name in enumerate(display.DAYS, start=1)}
    order = ["hour\\day", *days]
    yield DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": "hour"}]})
    yield DataTransformerConfig(
        id_val="groupingToMatrix", options={"columnField": "day", "rowField": "hour", "valueField": "Value #A"}
    )
    yield DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {},
            "indexByName": {name: place for place, name in enumerate(order)},
            "renameByName": {"hour\\day": "hour (UTC)", **days},
        },
    )


def _series(panel: Panel) -> timeseries.Panel:
    built = timeseries.Panel().min(0).legend(common_builders.VizLegendOptions().show_legend(True).calcs([]))  # noqa: FBT003
    built.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if panel.picture == "stacked":
        built.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).unit(_PERCENT).max(1)
        return built.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if panel.picture == "bars":
        built.draw_style(common.GraphDrawStyle.BARS).fill_opacity(40)
        line = DynamicConfigValue(id_val="custom.drawStyle", value=common.GraphDrawStyle.LINE)
        built.override_by_regexp("/median of seven days/", [line, _fill(0)])
        return built.override_by_name(questions.GAP_SERIES, [*_points("orange")])
    if panel.width == HALF:
        return built.unit(_PERCENT).line_width(2)
    built.scale_distribution(common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.SYMLOG).log(10))
    return built.override_by_name(questions.BURST, [*_points("red")])


def _points(colour: str) -> Iterator[DynamicConfigValue]:
    yield DynamicConfigValue(id_val="custom.drawStyle", value=common.GraphDrawStyle.POINTS)
    yield DynamicConfigValue(id_val="custom.pointSize", value=9)
    yield DynamicConfigValue(
        id_val="color", value=dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=colour)
    )


def _fill(opacity: int) -> DynamicConfigValue:
    return DynamicConfigValue(id_val="custom.fillOpacity", value=opacity)


def _colour(mode: str) -> dashboard_builders.FieldColor:
    return dashboard_builders.FieldColor().mode(dashboard.FieldColorModeId(mode))
