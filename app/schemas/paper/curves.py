"""Published curves, digitised off the stored pictures: loss against sequences, seed 5, Omniglot.

Errors: loss 0.005 nats; sequences 2,000 on axes to 400,000, 5,000 on axes to 1,000,000.
"""

from app.schemas.paper.figure import PublishedCurve

ERROR = "digitised off a picture: loss ±0.005 nats, sequences ±2,000 (±5,000 on axes to 1,000,000)"
HALF, FIFTH_TENTHS, FOUR_TENTHS, TENTH = "½ ln 2", "0.5", "0.4 ln 2", "0.1"

_PLACES_3A = (0, 20, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000)
_PLACES_5B = (10, 20, 50, 100, 150, 200, 300, 398)


def _curve(
    places: tuple[int, ...], losses: tuple[float, ...], **crossings: float
) -> PublishedCurve:
    """`places` and crossings in thousands of sequences."""
    levels = {"half": HALF, "five": FIFTH_TENTHS, "four": FOUR_TENTHS, "tenth": TENTH}
    return PublishedCurve(
        points=[
            (1000 * place, loss) for place, loss in zip(places[: len(losses)], losses, strict=True)
        ],
        crossings={levels[name]: round(1000 * place) for name, place in crossings.items()},
    )


def crossed(level: str, thousands: float) -> PublishedCurve:
    """A curve of which only one crossing is known."""
    return PublishedCurve(crossings={level: round(1000 * thousands)})


MAIN_TRAIN = _curve(
    _PLACES_3A,
    (1.97, 0.98, 0.786, 0.751, 0.731, 0.697, 0.595, 0.368, 0.199, 0.075, 0.037, 0.02, 0.007, 0.002),
    five=223,
    half=256,
    four=273,
    tenth=368,
)
MAIN_EXEMPLARS = _curve(
    _PLACES_3A,
    (2.03, 1.04, 0.816, 0.786, 0.771, 0.746, 0.687, 0.505, 0.358, 0.231, 0.174, 0.152, 0.132, 0.12),
)
MAIN_RELABEL = _curve(
    _PLACES_3A,
    (2.09, 1.35, 1.065, 0.985, 0.940, 0.876, 0.791, 0.550, 0.373, 0.216, 0.149, 0.102, 0.055, 0.03),
)
ALL_HEADS = crossed(FOUR_TENTHS, 273)
ALONE = tuple(
    crossed(FOUR_TENTHS, thousands) for thousands in (380, 475, 395, 310, 335, 615, 575, 460)
)
STEPS = {
    "One head": _curve(
        _PLACES_5B,
        (1.39, 1.07, 0.785, 0.731, 0.701, 0.645, 0.313, 0.119),
        five=253,
        half=292,
        tenth=414,
    ),
    "Previous-token head fixed": _curve(
        _PLACES_5B,
        (1.44, 1.12, 0.80, 0.708, 0.556, 0.336, 0.129, 0.065),
        five=164,
        half=197,
        tenth=333,
    ),
    "Layer 1 perfect": _curve(
        _PLACES_5B, (1.63, 1.53, 0.815, 0.161, 0.068, 0.03), five=62, half=72, tenth=125
    ),
    "Match fixed": _curve(
        _PLACES_5B, (1.13, 0.626, 0.140, 0.042, 0.014, 0.005), five=23, half=30, tenth=61
    ),
    "Copy perfect": _curve(
        _PLACES_5B, (0.668, 0.593, 0.215, 0.093, 0.054, 0.033, 0.019), five=26, half=35, tenth=95
    ),
    "Layer 1 and copy": _curve(
        _PLACES_5B,
        (0.603, 0.430, 0.098, 0.044, 0.026, 0.016, 0.007, 0.005),
        five=17,
        half=25,
        tenth=50,
    ),
}
# Crossings of half ln 2, thousands of sequences: data sets by clamps.
SHIFTS = {
    "50 classes, 5 labels": (291, 24.6, 29, 71),
    "100 classes, 5 labels": (367, 27.5, 30, 83),
    "200 classes, 5 labels": (399, 30.5, 30, 91),
    "50 classes, 10 labels": (842, 25, 72, 110),
    "50 classes, 15 labels": (1377, 24.6, 104, 144),
}
PREVIOUS_TOKEN = {"none": 292, "L0H2": 198, "L0H6": 262, "L0H1, 2, 5": 170, "all eight": 526}
PAIRS = {0: 248, 4: 277, 2: 281, 7: 291, 6: 298, 1: 300, 5: 324}  # with head 3: 0.4 ln 2
PAIRS_ALL, PAIRS_ALONE = 272, 310
# Loss of new label pairs after 600,000 sequences, by strength of the attention to the right label.
NEW_PAIRS = {0: 0.98, 0.1: 1.51, 0.5: 0.11, 0.55: 0.37, 0.6: 0.42, 0.65: 0.18, 0.7: 0.06}
GRAFTS = {"unclamped": 257, "layer 1 of seed 5": 20, "layer 1 of seed 6": 216}
GRAFTS |= {"layer 1 of seed 7": 189}  # half ln 2
