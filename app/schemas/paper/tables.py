"""Published numbers that are no curves, as tables; of the main run of seed 5 unless said."""

from app.schemas.paper.figure import Provenance, PublishedTable

_HEADS = tuple(f"head {head}" for head in range(8))
_TEXT, _DIGITISED, _SIMULATED = Provenance.TEXT, Provenance.DIGITISED, Provenance.SIMULATED
_LABELS = tuple(f"label {label}" for label in range(5))
Rows = tuple[tuple[float, ...], ...]


def _heads(
    *rows: tuple[str | float | None, ...], title: str, unit: str, had: Provenance
) -> PublishedTable:
    return PublishedTable(title, ("", *_HEADS), rows, unit, had)


def _square(title: str, rows: Rows, unit: str) -> PublishedTable:
    """Rows: heads of layer 2; columns: heads of layer 1."""
    named: list[tuple[str | float | None, ...]] = [
        (f"layer 2, {_HEADS[head]}", *row) for head, row in enumerate(rows)
    ]
    return PublishedTable(title, ("", *_HEADS), named, unit, _TEXT)


def _along(
    title: str, places: tuple[int, ...], *rows: tuple[str | float | None, ...]
) -> PublishedTable:
    columns = ("", *(f"{place}k" for place in places))
    return PublishedTable(title, columns, rows, "nats, by thousands of sequences", _DIGITISED)


STRENGTHS = _heads(
    ("5", 0.4181, 0.7359, 0.7083, 0.8452, 0.2888, 0.5533, 0.1039, 0.5703),
    title="Induction strength at the end",
    unit="−1 to 1",
    had=_TEXT,
)
STRENGTH_GROWTH = PublishedTable(
    "Induction strength of head 3 along the training",
    ("", "150k", "200k", "250k", "300k", "400k", "600k", "800k"),
    (("head 3", 0.04, 0.13, 0.33, 0.48, 0.63, 0.76, 0.81),),
    "−1 to 1",
    _DIGITISED,
)
DIRECT = PublishedTable(
    "Accuracy with and without the direct path from layer 1 to the output",
    ("seed", "whole", "without"),
    (
        ("5", 0.99998724, 0.9998597),
        ("6", 0.99981, 0.99936),
        ("7", 0.99999, 0.99990),
        ("8", 0.99931, 0.99834),
        ("9", 0.99760, 0.99501),
    ),
    "share",
    _TEXT,
)
ONLY_ACCURACY = _heads(
    ("only this head", 0.40319, 0.76506, 0.75168, 0.98019, 0.42848, 0.64647, 0.29159, 0.58847),
    title="Accuracy with one head of layer 2",
    unit="share; removing head 3 leaves about 0.987, any other about 1",
    had=_TEXT,
)
CORRELATION = PublishedTable(
    "Correlation of strength with accuracy alone, over heads",
    ("", "seed 5", "seed 6", "seed 7", "seed 8", "seed 9", "all"),
    (("Pearson r", 0.959, 0.977, 0.994, 0.965, 0.960, 0.956),),
    "−1 to 1",
    _TEXT,
)
ONLY_LOSS = _heads(
    ("only this head", 1.465, 0.658, 0.658, 0.119, 1.405, 1.02, 1.94, 1.055),
    title="Loss with one head of layer 2",
    unit="nats; removing head 3 gives about 0.03",
    had=_DIGITISED,
)
PROGRESS = _along(
    "Progress measures along the training of one head",
    (50, 100, 150, 200, 250, 300, 400, 590),
    ("composite (2, 3qkv, 4, 5)", None, 0.77, 0.74, 0.70, 0.57, 0.40, 0.20, 0.097),
    ("copy (3v, 5)", 0.61, 0.52, 0.48, 0.41, 0.26, 0.12, 0.035, 0.009),
)
DIRECT_LOSS = _along(
    "Loss added by ablating a layer's way to the output",
    (0, 5, 20, 100, 150, 200, 250, 300, 400, 600, 1000),
    ("layer 1", -0.01, 0.165, 0.12, 0.093, None, 0.096, 0.081, 0.063, 0.032, 0.009, 0.002),
    ("layer 2", None, None, 0.43, 0.40, 0.43, 0.60, 0.90, 1.15, 1.37, 1.59, 1.88),
)
ADD_BACK = PublishedTable(
    "Loss with the strongest heads only",
    ("", "1", "2", "3", "4", "5", "6", "7"),
    (
        ("with head 3", 0.117, 0.0436, 0.0099, 0.0048, 0.0026, 0.0020, 0.0015),
        ("without head 3", 0.656, 0.146, 0.088, 0.056, 0.0375, 0.032, None),
    ),
    "nats, by how many heads; the order is 3, 1, 2, 7, 5, 0, 4, 6",
    _DIGITISED,
)
PREVIOUS_TOKEN_SETS = PublishedTable(
    "Accuracy without some heads of layer 1",
    ("ablated", "patterns preserved", "values preserved"),
    (("1, 2, 5", 0.99853, 0.69869), ("0, 3, 4, 6, 7", 0.34267, 0.99319)),
    "share",
    _TEXT,
)
RECOVERED = _heads(
    ("recovered", 0.2408, 0.6478, 0.7167, 0, 0.3297, 0.5641, 0.1661, 0.4610),
    ("accuracy alone", 0.4032, 0.7651, 0.7517, 0.9802, 0.4285, 0.6465, 0.2916, 0.5885),
    title="Of the 1,553 mistakes of head 3 alone, the share that another gets right",
    unit="share",
    had=_TEXT,
)
RECOVERED_PERFECT = _heads(
    ("recovered", 0.241, 0.862, 0.207, 0, 0.224, 0.500, 0, 0.448),
    ("accuracy", 0.500, 0.828, 0.827, 0.999, 0.621, 0.764, 0.285, 0.707),
    ("ratio", 0.482, 1.041, 0.250, 0, 0.361, 0.654, 0, 0.634),
    title="With a perfect match: of the 58 mistakes of head 3, the share that another gets right",
    unit="share; the ratio rests on 58 mistakes",
    had=_TEXT,
)
PERFECT_ACCURACY = _heads(
    ("perfect match", 0.5005, 0.8280, 0.8273, 0.9993, 0.6210, 0.7643, 0.2846, 0.7070),
    title="Accuracy of each head with a perfect match",
    unit="share",
    had=_TEXT,
)
BY_LABEL = PublishedTable(
    "Accuracy with a perfect match, by true label",
    ("", *_LABELS),
    (
        ("head 0", 0.19, 0.71, 0.42, 0.74, 0.46),
        ("head 1", 0.94, 1, 0.25, 0.95, 0.96),
        ("head 2", 1, 0.51, 0.86, 0.76, 0.96),
        ("head 3", 1, 1, 1, 1, 1),
        ("head 4", 0.80, 0.27, 0.60, 0.66, 0.74),
        ("head 5", 0.89, 0.94, 0.14, 0.81, 0.97),
        ("head 6", 0.33, 0.50, 0.04, 0.33, 0.24),
        ("head 7", 0.93, 0.69, 0.36, 0.86, 0.70),
    ),
    "share, ±0.01",
    _DIGITISED,
)
SEED_STRENGTHS = _heads(
    STRENGTHS.rows[0],
    ("6", 0.319, 0.611, 0.315, 0.057, 0.061, 0.893, 0.697, 0.267),
    ("7", 0.151, 0.494, 0.084, 0.175, 0.148, 0.549, 0.287, 0.906),
    ("8", 0.633, 0.799, 0.248, 0.589, 0.330, 0.652, 0.619, 0.392),
    ("9", 0.077, 0.192, 0.825, 0.497, 0.540, 0.372, 0.404, 0.161),
    title="Induction strength at the end, by seed",
    unit="−1 to 1",
    had=_TEXT,
)
SEED_ACCURACY = _heads(
    ("5", 0.40319, 0.76506, 0.75168, 0.98019, 0.42848, 0.64647, 0.29159, 0.58847),
    ("6", 0.446, 0.732, 0.484, 0.374, 0.351, 0.992, 0.777, 0.399),
    ("7", 0.370, 0.629, 0.341, 0.370, 0.346, 0.682, 0.422, 0.999),
    ("8", 0.785, 0.933, 0.448, 0.719, 0.498, 0.724, 0.693, 0.455),
    ("9", 0.417, 0.422, 0.916, 0.585, 0.720, 0.574, 0.643, 0.497),
    title="Accuracy of each head alone, by seed",
    unit="share",
    had=_TEXT,
)
SEED_LOSS = _heads(
    ("5", 1.46, 0.66, 0.66, 0.12, 1.40, 1.02, 1.94, 1.05),
    ("6", 1.40, 0.71, 1.30, 1.62, 1.62, 0.07, 0.61, 1.49),
    ("7", 1.75, 0.97, 1.87, 1.87, 1.92, 0.83, 1.56, 0.02),
    ("8", 0.61, 0.25, 1.33, 0.73, 1.23, 0.77, 0.79, 1.33),
    ("9", 1.35, 1.37, 0.24, 1.03, 0.76, 1.01, 0.89, 1.22),
    title="Loss of each head alone, by seed",
    unit="nats, ±0.02",
    had=_DIGITISED,
)
SEED_TIMES = _heads(
    ("5", 380, 475, 400, 310, 335, 615, 575, 460),
    ("6", 595, 330, 520, 835, 990, 335, 390, 865),
    ("7", 705, 335, 730, 445, 645, 725, 540, 340),
    ("8", 445, 640, 870, 550, 735, 630, 680, 730),
    ("9", 740, 1000, 390, 495, 570, 610, 1000, 855),
    title="When each head learns alone, by seed: where the loss falls below 0.4 ln 2",
    unit="thousands of sequences",
    had=_DIGITISED,
)
WIRING = (
    _square(
        "One head of layer 1 alone, values preserved: accuracy",
        (
            (0.343, 0.278, 0.320, 0.291, 0.295, 0.284, 0.299, 0.285),
            (0.394, 0.487, 0.666, 0.391, 0.405, 0.551, 0.412, 0.416),
            (0.415, 0.491, 0.566, 0.423, 0.385, 0.462, 0.387, 0.347),
            (0.474, 0.726, 0.914, 0.441, 0.594, 0.720, 0.466, 0.459),
            (0.324, 0.279, 0.286, 0.307, 0.286, 0.283, 0.283, 0.242),
            (0.410, 0.412, 0.542, 0.365, 0.370, 0.434, 0.319, 0.341),
            (0.258, 0.201, 0.214, 0.236, 0.230, 0.214, 0.231, 0.227),
            (0.386, 0.417, 0.459, 0.388, 0.400, 0.403, 0.346, 0.361),
        ),
        "share",
    ),
    _square(
        "One head of layer 1 alone, patterns preserved: accuracy",
        (
            (0.325, 0.197, 0.207, 0.318, 0.240, 0.217, 0.282, 0.243),
            (0.435, 0.240, 0.221, 0.533, 0.338, 0.217, 0.626, 0.268),
            (0.474, 0.205, 0.226, 0.453, 0.282, 0.221, 0.406, 0.245),
            (0.438, 0.202, 0.234, 0.413, 0.403, 0.217, 0.824, 0.572),
            (0.308, 0.204, 0.213, 0.302, 0.231, 0.214, 0.328, 0.255),
            (0.433, 0.214, 0.217, 0.382, 0.262, 0.205, 0.444, 0.342),
            (0.255, 0.208, 0.221, 0.228, 0.232, 0.212, 0.232, 0.213),
            (0.441, 0.204, 0.206, 0.440, 0.197, 0.208, 0.419, 0.240),
        ),
        "share",
    ),
    _square(
        "One head of layer 1 removed, values preserved: change of accuracy",
        (
            (-0.059, -0.006, -0.019, -0.008, -0.009, 0.004, 0.002, -0.010),
            (-0.040, -0.026, -0.103, -0.029, -0.030, -0.026, -0.006, -0.019),
            (-0.055, -0.040, -0.061, -0.052, -0.036, -0.027, -0.000, -0.019),
            (-0.027, -0.032, -0.087, -0.013, -0.004, -0.018, -0.015, -0.006),
            (-0.051, -0.001, -0.039, -0.068, -0.031, 0.012, 0.011, -0.011),
            (-0.052, -0.025, -0.096, -0.049, -0.061, -0.007, -0.005, -0.010),
            (-0.037, 0.009, 0.005, -0.024, -0.009, 0.012, -0.006, -0.020),
            (-0.046, -0.029, -0.044, -0.051, -0.047, 0.002, 0.009, -0.018),
        ),
        "share",
    ),
    _square(
        "One head of layer 1 removed, patterns preserved: change of accuracy",
        (
            (-0.087, -0.003, 0.067, -0.042, -0.008, 0.034, -0.037, -0.011),
            (-0.107, -0.021, 0.002, -0.158, -0.024, -0.001, -0.100, -0.049),
            (-0.150, 0.024, -0.020, -0.156, -0.056, 0.011, -0.062, -0.049),
            (-0.030, -0.018, -0.001, -0.030, -0.002, -0.001, -0.108, -0.019),
            (-0.066, -0.000, 0.024, -0.090, -0.032, 0.022, -0.052, -0.045),
            (-0.133, 0.009, 0.005, -0.116, -0.034, 0.032, -0.076, -0.038),
            (-0.036, 0.010, 0.001, -0.020, -0.003, 0.009, -0.007, -0.022),
            (-0.117, 0.019, -0.003, -0.158, -0.011, 0.039, -0.060, -0.034),
        ),
        "share",
    ),
)
GRAFTED = PublishedTable(
    "Where the loss falls to half of ln 2",
    ("", "standard", "own layer 1", "of seed 6", "of seed 7"),
    (("thousands of sequences", 257, 20, 216, 189),),
    "thousands of sequences",
    _DIGITISED,
)
_TOY_PLACES = ("0", "25", "50", "100", "200", "400", "600", "700", "750", "800", "850")
TOY_LOSS = PublishedTable(
    "Loss of the model of three vectors, by updates",
    ("clamped", *_TOY_PLACES),
    (
        (
            "none",
            0.7559,
            0.2441,
            0.2269,
            0.221,
            0.2199,
            0.2193,
            0.2139,
            0.1774,
            0.096,
            0.0203,
            0.0028,
        ),
        ("c", 0.5394, 0.2473, 0.2172, 0.1479, 0.0038, 0.0) + (None,) * 5,
        ("b and c", 0.4692, 0.1554, 0.0515, 0.0057, 7e-5, 0.0) + (None,) * 5,
    ),
    "mean squared error, halved",
    _SIMULATED,
)
TOY_PROGRESS = PublishedTable(
    "Progress measures of the model of three vectors, nothing clamped, by updates",
    ("", "50", "200", "400", "600", "700", "800"),
    (
        ("PM1", 0.9975, 0.989, 0.963, 0.825, 0.486, 0.025),
        ("PM2", 0.311, 0.287, 0.262, 0.197, 0.107, 0.0067),
    ),
    "PM1: 0 to 1; PM2: a loss",
    _SIMULATED,
)
LINKS = PublishedTable(
    "The strongest links: head of layer 1 → head of layer 2",
    ("", "by keys and queries", "by values"),
    (
        ("one head alone: accuracy", "2 → 3: 0.914", "6 → 3: 0.824"),
        ("lost without one: change of accuracy", "2 → 1: -0.103", "3 → 1: -0.158"),
    ),
    "share",
    _TEXT,
)
