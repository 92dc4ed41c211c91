"""The toy model: every number that is known of Figs. 5a and 9, and the sums behind it."""

import json
from itertools import product
from pathlib import Path

import pytest

from app.toy.document import document, table
from app.toy.draw import vectors
from app.toy.dynamics import ToyCurve, curves, lengths
from app.toy.settings import PRESETS, ToySettings, clamped_of, name_of
from worker.__main__ import main

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "toy.json").read_text())
PLACES = (0, 25, 50, 100, 200, 400, 600, 700, 750, 800, 850)
# Paper, Fig. 5a: loss at these updates, and the first below a hundredth of the first.
LOSSES = {
    "none": (
        (0.7559, 0.2441, 0.2269, 0.2210, 0.2199, 0.2193, 0.2139, 0.1774, 0.0960, 0.0203, 0.0028),
        826,
    ),
    "c": ((0.5394, 0.2473, 0.2172, 0.1479, 0.0038, 0.0), 193),
    "b,c": ((0.4692, 0.1554, 0.0515, 0.0057, 7e-5, 0.0), 105),
}
# Fig. 9: progress measures.
PM1 = {
    "none": {50: 0.9975, 200: 0.989, 400: 0.963, 600: 0.825, 700: 0.486, 800: 0.025, 900: 0.0},
    "c": {50: 0.937, 100: 0.60, 200: 0.017},
    "b,c": {50: 0.217, 100: 0.017, 200: 0.0},
}
PM2 = {0: 0.465, 50: 0.311, 200: 0.287, 400: 0.262, 600: 0.197, 700: 0.107, 800: 0.0067}


def digits(number: float) -> float:
    """Half a step of the last digit that a number is given with."""
    text = f"{number:.5f}".rstrip("0")
    return 0.5 * 10.0 ** -len(text.partition(".")[2]) if number else 5e-5


@pytest.fixture(scope="module")
def papers() -> dict[str, ToyCurve]:
    return {one.name: one for one in curves(ToySettings(), PRESETS["fig5a"])}


def test_the_vectors_are_those_of_the_published_code():
    for ours, theirs in zip(vectors(1, 20), GOLDEN["vectors"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_their_lengths_are_the_papers():
    found = lengths(ToySettings())

    expected = {"a*": 4.487, "b*": 3.235, "c*": 4.087, "a": 4.757, "b": 3.679, "c": 5.291}
    assert found == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_figure_5a_to_the_digits_given(papers, name):
    expected, below = LOSSES[name]
    loss = papers[name].loss

    for place, number in zip(PLACES, expected, strict=False):
        assert loss[place] == pytest.approx(number, abs=max(digits(number), 5e-5)), place
    assert next(place for place, one in enumerate(loss) if one < 0.01 * loss[0]) == below


@pytest.mark.parametrize("name", PM1)
def test_progress_measure_1_of_figure_9(papers, name):
    assert papers[name].pm1[0] == pytest.approx(0.99998, abs=5e-6)
    for place, number in PM1[name].items():
        assert papers[name].pm1[place] == pytest.approx(number, abs=max(digits(number), 5e-4))


def test_progress_measure_2_of_figure_9(papers):
    for place, number in PM2.items():
        assert papers["none"].pm2[place] == pytest.approx(number, abs=5e-4), place
    assert papers["none"].pm2[-1] == pytest.approx(8.9e-4, abs=5e-6)  # a's length is not determined
    both = papers["b,c"]
    assert (both.pm2[0], both.loss[0]) == pytest.approx((0.4655, 0.4692), abs=5e-5)
    assert both.pm2[1:] == pytest.approx(both.loss[1:], abs=2e-5)


@pytest.mark.parametrize("clamped", ["none", "a", "b", "c", "a,b", "a,c", "b,c"])
def test_the_plane_of_a_vector_is_enough(clamped):
    """Against tensors of n^3 numbers, whose gradient is taken entry by entry."""
    settings = ToySettings(dimension=4, seed=7, learning_rate=0.9, initial_scale=0.8, updates=12)

    [ours] = curves(settings, [clamped_of(clamped)])

    assert ours.loss == pytest.approx(entry_by_entry(settings, clamped), rel=1e-9)


def entry_by_entry(settings: ToySettings, clamped: str) -> list[float]:
    n = settings.dimension
    drawn = vectors(settings.seed, n)
    true = drawn[:3]
    now = [
        true[k] if "abc"[k] in clamped else [settings.initial_scale * x for x in drawn[3 + k]]
        for k in range(3)
    ]
    losses = []
    for _ in range(settings.updates + 1):
        gradient, loss = [[0.0] * n for _ in range(3)], 0.0
        for place in product(range(n), repeat=3):
            ours, theirs = (v[0][place[0]] * v[1][place[1]] * v[2][place[2]] for v in (now, true))
            loss += (theirs - ours) ** 2 / 2 / n**3
            for k in range(3):
                others = [now[j][place[j]] for j in range(3) if j != k]
                gradient[k][place[k]] -= (theirs - ours) * others[0] * others[1] / n**3
        losses.append(loss)
        now = [
            now[k]
            if "abc"[k] in clamped
            else [x - settings.learning_rate * g for x, g in zip(now[k], gradient[k], strict=True)]
            for k in range(3)
        ]
    return losses


def test_what_diverges_ends_before_it_does_and_says_when():
    [one] = curves(ToySettings(learning_rate=1000), [frozenset()])

    assert one.diverged_at == len(one.loss) == len(one.pm1) == len(one.pm2)
    assert all(0 <= value < 1e15 for value in one.loss)
    assert f"\n{one.diverged_at - 1}," in table([one])


@pytest.mark.parametrize("settings", [{"dimension": 1}, {"initial_scale": 0}, {"updates": 1}])
def test_edges_have_numbers(settings):
    for one in curves(ToySettings(**settings), [clamped_of("none"), clamped_of("a,b,c")]):
        assert all(value == value and value >= 0 for value in (*one.loss, *one.pm1, *one.pm2))


def test_names_of_what_is_clamped_are_read_and_written_alike():
    for text in ("none", "a", "b,c", "a,b,c"):
        assert name_of(clamped_of(text)) == text
    assert clamped_of(" c , b") == clamped_of("b,c")
    with pytest.raises(ValueError, match="'d' is no vector"):
        clamped_of("b,d")


def test_a_table_has_a_line_for_every_update():
    lines = table(curves(ToySettings(updates=3), PRESETS["fig9"])).splitlines()

    assert lines[0] == "updates,loss (none),pm1 (none),pm2 (none)," + ",".join(
        f'"{name} (b,c)"' for name in ("loss", "pm1", "pm2")
    )
    assert [line.partition(",")[0] for line in lines[1:]] == ["0", "1", "2", "3"]


def test_the_command_writes_a_preset(tmp_path):
    assert main(["toy", "--preset", "fig5a", "--out", str(tmp_path / "toy.json")]) == 0

    found = json.loads((tmp_path / "toy.json").read_text())
    assert found == document(ToySettings(), PRESETS["fig5a"], "fig5a")
    assert list(found["curves"]) == ["none", "c", "b,c"]
    assert len(found["curves"]["none"]["loss"]) == 1001


def test_the_command_takes_every_setting_and_refuses_what_cannot_be(tmp_path, capsys):
    out = str(tmp_path / "toy.json")
    settings = ["--dimension", "5", "--seed", "9", "--learning-rate", ".5", "--updates", "20"]
    assert main(["toy", *settings, "--initial-scale", "2", "--clamp", "a", "--out", out]) == 0
    found = json.loads((tmp_path / "toy.json").read_text())
    assert found["settings"] == {
        "dimension": 5, "seed": 9, "learning_rate": 0.5, "initial_scale": 2.0, "updates": 20,
    }  # fmt: skip
    assert list(found["curves"]) == ["a"]

    for wrong in (["--dimension", "0"], ["--learning-rate", "nan"], ["--clamp", "q"]):
        assert main(["toy", *wrong, "--out", out]) == 1
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1 or said[-1], wrong
