"""Every measure is said once, and all that has to know of it does."""

from app.db.models import MeasurementRow
from app.schemas.api.series import FrameRead, HeadsRead
from app.schemas.measure import METRICS, Measurement
from app.schemas.series import EVALUATED, HEADS, MEASURES, PANELS
from app.schemas.view import ChartView
from app.services.charts.curves import STUDY_METRICS
from app.services.charts.run_figures import FigureName
from app.services.compare.series import series_or_error
from app.services.help.guide import ENTRIES
from app.services.runs_list.columns import columns
from app.services.series.names import series_for
from worker.science.measures import HEAD_MEASURES

HEAD_IDS = [measure.id for measure in HEADS]


def test_measures_of_heads_are_computed_sent_stored_and_served_in_one_order():
    assert [*HEAD_MEASURES] == HEAD_IDS
    assert [name for name in Measurement.model_fields if name in MEASURES] == [*MEASURES]
    columns = [column.name for column in MeasurementRow.__table__.columns]
    assert [name for name in columns if name in MEASURES] == [*MEASURES]
    for answer, others in ((HeadsRead, []), (FrameRead, ["loss"])):
        names = [name for name in answer.model_fields if name in MEASURES]
        assert names == [*HEAD_IDS, *others]


def test_no_two_measures_share_a_figure():
    figures = [measure.figure for measure in MEASURES.values()]

    assert len({*figures}) == len(figures)


def test_measures_of_evaluators_are_those_that_are_computed():
    assert [measure.id for measure in EVALUATED] == [*METRICS]


def test_every_measure_has_a_figure_an_explanation_and_series():
    assert [*FigureName] == [measure.figure for measure in (*EVALUATED, *PANELS)]
    assert ENTRIES.items() >= MEASURES.items()
    assert {series.metric for series in series_for(2, 2)} == {*MEASURES}


def test_every_measure_of_heads_has_a_panel_a_column_and_can_be_compared():
    for measure in HEADS:
        strongest = f"strongest_{measure.kind}"
        assert {measure.kind, f"{measure.kind}_layer"} <= {*ChartView.model_fields}
        assert strongest in STUDY_METRICS
        assert columns()[strongest].unit == ""
        for name in (strongest, f"{measure.id}.L1R2", f"{measure.id}.L1H3"):
            assert series_or_error(name).id == name
