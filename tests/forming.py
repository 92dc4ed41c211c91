"""A circuit that forms, as an animated SVG: heads fill, lines between them grow, the loss falls.

Every number is from a run's own measurements and frames. Styles alone move it: no script, and
nothing moves for whoever asks for less motion, who sees the end of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from app.services.charts.style import HUES

SECONDS, MOVING = 14, 0.8  # of one round, and the part of it after which the end stays
LEFT, PITCH, RADIUS = 58, 43, 16  # pixels: the first head, from head to head, of a head
UPPER, LOWER = 84, 222  # heights of the layers
MOST_LOSS = 1.8  # nats
LINES, WIDEST = 12, 6.0  # how many pairs of heads have one, and pixels of the widest
CLOSE = 0.012  # a stop that its neighbours would give as closely is left out
_STYLE = (
    ":root{color-scheme:light dark;--card:#fff;--ink:#11161d;--muted:#59626f;--line:#e2e5ea;"
    "--mark:#8a80ab}@media(prefers-color-scheme:dark){:root{--card:#141a21;--ink:#eef2f7;"
    "--muted:#9aa5b3;--line:#252d37;--mark:#8f86b3}}"
    "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--muted)}"
    "text.title{font-weight:600;fill:var(--ink)}.number{font-size:12px;text-anchor:middle;"
    "fill:var(--ink)}.rim{fill:none;stroke:var(--muted);stroke-width:1.2}"
    ".pair{fill:none;stroke-linecap:round}.axis{stroke:var(--line)}"
    "text.end{text-anchor:end}.curve{fill:none;stroke:var(--ink);stroke-width:2}"
    f"*{{animation:{SECONDS}s linear infinite}}"
    "@media(prefers-reduced-motion:reduce){*{animation:none!important}}"
)


@dataclass(frozen=True)
class Shape:
    """Of a picture: its size, and of the curve of the loss left, top, right and bottom; pixels."""

    width: int
    height: int
    plot: tuple[int, int, int, int]


WIDE = Shape(760, 302, (452, 58, 734, 246))
TALL = Shape(408, 532, (36, 342, 378, 480))  # for narrow screens: the curve below the heads


@dataclass(frozen=True)
class Moment:
    """What was measured at once."""

    sequences: int
    loss: float  # nats, of training
    induction: Sequence[float]  # of every head of the second layer
    previous: Sequence[float]  # of every head of the first
    composition: Sequence[Sequence[float]]  # of keys: head of the second layer, of the first


def moving_picture(moments: Sequence[Moment], shape: Shape = WIDE) -> str:
    """The SVG."""
    rules: list[str] = []
    drawn = [*_pairs(moments, rules), *_heads(moments, rules), *_curve(moments, shape, rules)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {shape.width} {shape.height}" '
            f'width="{shape.width}" height="{shape.height}" role="img" aria-labelledby="said">',
            f'<title id="said">{_said(moments)}</title>',
            f"<style>{_STYLE}{''.join(rules)}</style>",
            f'<rect x=".5" y=".5" width="{shape.width - 1}" height="{shape.height - 1}" rx="12" '
            'fill="var(--card)" stroke="var(--line)"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _said(moments: Sequence[Moment]) -> str:
    last = moments[-1]
    return (
        f"A circuit forms while a two-layer transformer trains on {last.sequences:,} sequences: a "
        "head of layer 1 begins to look one token back, then heads of layer 2 fill that find the "
        f"label after the like, and the loss falls from {moments[0].loss:.2f} to {last.loss:.3f}."
    )


def _heads(moments: Sequence[Moment], rules: list[str]) -> Iterator[str]:
    yield _text(LEFT - 22, 36, "Layer 2: induction heads", "title")
    yield _text(LEFT - 22, LOWER + 50, "Layer 1: previous-token heads", "title")
    for layer, name in enumerate(("previous", "induction")):
        for head in range(len(moments[0].induction)):
            values = [max(0.0, getattr(one, name)[head]) for one in moments]
            key = f"h{layer}{head}"
            rules += _keyframes(key, moments, values, "fill-opacity:{:.2f}".format)
            x, y = _place(layer, head)
            circle = f'cx="{x}" cy="{y}" r="{RADIUS}"'
            yield f'<circle {circle} fill="var(--card)"/>'
            yield (
                f'<circle class="{key}" {circle} fill="{HUES[head]}" '
                f'fill-opacity="{values[-1]:.2f}"/><circle class="rim" {circle}/>'
            )
            yield f'<text class="number" x="{x}" y="{y + 4}">{head}</text>'


def _pairs(moments: Sequence[Moment], rules: list[str]) -> Iterator[str]:
    """The lines that grow most, from the heads of layer 1 to those of layer 2."""
    heads = range(len(moments[0].induction))
    first = moments[0].composition
    grown = {
        (upper, lower): [one.composition[upper][lower] - first[upper][lower] for one in moments]
        for upper in heads
        for lower in heads
    }
    most = max(max(values) for values in grown.values())
    for upper, lower in sorted(grown, key=lambda pair: -grown[pair][-1])[:LINES]:
        shares = [max(0.0, value) / most for value in grown[upper, lower]]
        key = f"p{upper}{lower}"
        widths = [WIDEST * share for share in shares]
        rules += _keyframes(key, moments, widths, "stroke-width:{:.2f}".format)
        (x0, y0), (x1, y1) = _place(0, lower), _place(1, upper)
        middle = (y0 + y1) / 2
        yield (
            f'<path class="pair {key}" stroke="{HUES[lower]}" stroke-opacity=".75" '
            f'stroke-width="{widths[-1]:.2f}" '
            f'd="M{x0} {y0}C{x0} {middle} {x1} {middle} {x1} {y1}"/>'
        )


def _curve(moments: Sequence[Moment], shape: Shape, rules: list[str]) -> Iterator[str]:
    left, top, right, bottom = shape.plot
    points = [_point(one, moments[-1].sequences, shape) for one in moments]
    guess = bottom - (bottom - top) * log(2) / MOST_LOSS
    yield _text(left, top - 22, "Training loss", "title")
    yield _text(left, bottom + 18, "0")
    yield _text(right, bottom + 18, f"{moments[-1].sequences // 1000}k sequences", "end")
    yield f'<path class="curve" d="M{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
    # What is still to come is covered, and the cover moves away.
    wide, tall = right - left + 4, bottom - top + 12
    rules.append(
        f"@keyframes cover{{0%{{transform:translateX(0)}}{100 * MOVING:g}%,"
        f"100%{{transform:translateX({wide}px)}}}}.cover{{animation-name:cover}}"
    )
    frame = f'x="{left}" y="{top - 10}" width="{wide}"'
    yield f'<clipPath id="plot"><rect {frame} height="{tall}"/></clipPath>'
    yield (
        f'<g clip-path="url(#plot)"><rect class="cover" {frame} height="{tall}" '
        f'fill="var(--card)" transform="translate({wide} 0)"/></g>'
    )
    yield f'<path class="axis" d="M{left} {bottom}H{right}"/>'
    yield f'<path d="M{left} {guess:.1f}H{right}" stroke="var(--mark)" stroke-dasharray="4 4"/>'
    yield _text(right, guess - 7, "ln 2: guessing between two", "end")
    stops = "".join(
        f"{_percent(one, moments)}{{transform:translate({x:.1f}px,{y:.1f}px)}}"
        for one, (x, y) in zip(moments, points, strict=True)
    )
    x, y = points[-1]
    rules.append(f"@keyframes dot{{{stops}100%{{transform:translate({x:.1f}px,{y:.1f}px)}}}}")
    rules.append(".dot{animation-name:dot}")
    yield f'<circle class="dot" r="5" fill="var(--ink)" transform="translate({x:.1f} {y:.1f})"/>'


def _keyframes(
    key: str, moments: Sequence[Moment], values: Sequence[float], style: Callable[[float], str]
) -> Iterator[str]:
    """The animation of a class of elements, with as few stops as draw the same."""
    kept = [0]
    for index in range(1, len(values) - 1):
        before, after = values[kept[-1]], values[index + 1]
        share = (index - kept[-1]) / (index + 1 - kept[-1])
        if abs(values[index] - (before + share * (after - before))) > CLOSE:
            kept.append(index)
    kept.append(len(values) - 1)
    stops = "".join(f"{_percent(moments[i], moments)}{{{style(values[i])}}}" for i in kept)
    yield f"@keyframes {key}{{{stops}100%{{{style(values[-1])}}}}}.{key}{{animation-name:{key}}}"


def _percent(one: Moment, moments: Sequence[Moment]) -> str:
    return f"{100 * MOVING * one.sequences / moments[-1].sequences:.4g}%"


def _place(layer: int, head: int) -> tuple[int, int]:
    return LEFT + PITCH * head, UPPER if layer else LOWER


def _point(one: Moment, end: int, shape: Shape) -> tuple[float, float]:
    left, top, right, bottom = shape.plot
    share = min(one.loss, MOST_LOSS) / MOST_LOSS
    return left + (right - left) * one.sequences / end, bottom - (bottom - top) * share


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x}" y="{y:.0f}">{text}</text>'
