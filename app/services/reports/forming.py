"""A circuit that forms, as an animated SVG: heads fill, lines between them grow, the loss falls.

Every number is from a run's own measurements and frames. Styles alone move it: no script, and
nothing moves for whoever asks for less motion, who sees the end of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from math import isfinite, log
from textwrap import shorten

from app.services.charts.style import head_hue
from app.services.wording import short

SECONDS, MOVING = 14, 0.8  # of one round, and the part of it after which the end stays
LEFT, PITCH, RADIUS = 58, 43, 16  # pixels: the first head, from head to head, of a head
UPPER, LAYER = 84, 138  # pixels: height of the last layer, from layer to layer
HEADED = 46  # pixels that a title takes
MOST_LOSS = 1.8  # nats, unless the run's own are above
TITLE = 76  # characters of it that there is room for
LINES, WIDEST = 12, 6.0  # how many pairs of heads have one, and pixels of the widest
LEAST_WIDEST = 0.02  # gained composition that the widest line stands for at least
CLOSE = 0.012  # a stop that its neighbours would give as closely is left out
_LIGHT = "--card:#fff;--ink:#11161d;--muted:#59626f;--line:#e2e5ea;--mark:#8a80ab"
_DARK = "--card:#141a21;--ink:#eef2f7;--muted:#9aa5b3;--line:#252d37;--mark:#8f86b3"
_DAY = f":root{{color-scheme:light;{_LIGHT}}}"
_BOTH = f":root{{color-scheme:light dark;{_LIGHT}}}"
_NIGHT = f"@media(prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
_STYLE = (
    "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--muted)}"
    "text.title{font-weight:600;fill:var(--ink)}.number{font-size:12px;text-anchor:middle;"
    "fill:var(--ink)}.dense{font-size:9px}.rim{fill:none;stroke:var(--muted);stroke-width:1.2}"
    ".pair{fill:none;stroke-linecap:round}.axis{stroke:var(--line)}"
    "text.end{text-anchor:end}text.run{font-size:16px}text.aside{font-size:11px}.curve{fill:none;stroke:var(--ink);stroke-width:2}"
    f"*{{animation:{SECONDS}s linear infinite}}"
    "@media(prefers-reduced-motion:reduce){*{animation:none!important}}"
)


@dataclass(frozen=True)
class Moment:
    """What was measured at once."""

    sequences: int
    loss: float  # nats, of training
    strengths: Sequence[Sequence[float]]  # [layer][head]: induction of the last layer's, previous
    # token of those below
    composition: Sequence[Sequence[float]]  # of keys: [head of the last layer][head of all below,
    # layer by layer]; empty where there is none


@dataclass(frozen=True)
class PictureShape:
    """Of a picture: its size, and of the curve of the loss left, top, right and bottom; pixels."""

    width: int
    height: int
    plot: tuple[int, int, int, int]

    def of(self, layers: int) -> "PictureShape":
        """As tall as so many layers need."""
        more = LAYER * max(0, layers - 2)
        return PictureShape(self.width, self.height + more, self.plot)


WIDE = PictureShape(760, 302, (452, 58, 734, 246))
TALL = PictureShape(408, 532, (36, 342, 378, 480))  # for narrow screens: the curve below the heads


@dataclass(frozen=True)
class Caption:
    """Of a picture: its title, drawn above it if there is one, what it says to who does not see it,
    what stands at its dashed line, and at how many nats that lies."""

    title: str
    said: str
    guessing: str = "ln 2: guessing between two"
    guess: float = log(2)


def moving_picture(
    moments: Sequence[Moment],
    words: Caption,
    shape: PictureShape = WIDE,
    *,
    is_dark_at_night: bool = False,
    change: tuple[float, float] | None = None,
) -> str:
    """The SVG. `change`: from where to where the phase change is shaded, in sequences."""
    rules: list[str] = []
    plot = _Plot(moments, shape, _highest(moments))
    drawn = [
        *_pairs(moments, rules),
        *_heads(moments, rules),
        *_curve(plot, words, change, rules),
    ]
    top = HEADED if words.title else 0
    width, height = shape.width, shape.height + top
    named = _text(LEFT - 22, 34, shorten(words.title, TITLE, placeholder="…"), "title run")
    style = _BOTH + _NIGHT if is_dark_at_night else _DAY
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="said">',
            f'<title id="said">{escape(words.said)}</title>',
            f"<style>{style}{_STYLE}{''.join(rules)}</style>",
            f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="12" '
            'fill="var(--card)" stroke="var(--line)"/>',
            *([named, f'<g transform="translate(0 {top})">'] if top else []),
            *drawn,
            *(["</g>"] if top else []),
            "</svg>\n",
        ]
    )


def _heads(moments: Sequence[Moment], rules: list[str]) -> Iterator[str]:
    layers = moments[0].strengths
    if len(layers) > 1:
        below = _height(0, len(layers)) + 68
        yield _text(LEFT - 22, below, "lines: key composition gained since the start", "aside")
    for layer, heads in enumerate(layers):
        yield _layer_name(layer, len(layers))
        for head in range(len(heads)):
            yield from _head(moments, layer, head, rules)


def _layer_name(layer: int, layers: int) -> str:
    """Of the last layer above it, of the others below."""
    is_last = layer == layers - 1
    kind = "induction strength" if is_last else "previous-token strength"
    y = _height(layer, layers) + (-48 if is_last else 50)
    return _text(LEFT - 22, y, f"Layer {layer + 1}: {kind}", "title")


def _head(moments: Sequence[Moment], layer: int, head: int, rules: list[str]) -> Iterator[str]:
    values = [_share(one.strengths[layer][head]) for one in moments]
    key = f"h{layer}-{head}"
    rules += _keyframes(key, moments, values, "fill-opacity:{:.2f}".format)
    x, y = _place(moments, layer, head)
    circle = f'cx="{x:g}" cy="{y}" r="{min(RADIUS, 0.37 * _pitch(moments)):g}"'
    yield f'<circle {circle} fill="var(--card)"/>'
    yield (
        f'<circle class="{key}" {circle} fill="{head_hue(head)}" '
        f'fill-opacity="{values[-1]:.2f}"/><circle class="rim" {circle}/>'
    )
    if _pitch(moments) > RADIUS:
        kind = "number" if _pitch(moments) == PITCH else "number dense"
        yield f'<text class="{kind}" x="{x:g}" y="{y + 4}">{head}</text>'


def _share(strength: float) -> float:
    return min(max(strength, 0.0), 1.0) if isfinite(strength) else 0.0


def _pairs(moments: Sequence[Moment], rules: list[str]) -> Iterator[str]:
    """The lines that grow most, from the heads below to those of the last layer."""
    grown = _grown(moments)
    most = max([LEAST_WIDEST, *(max(values) for values in grown.values())])
    heads = len(moments[0].strengths[0])
    for upper, lower in sorted(grown, key=lambda pair: -grown[pair][-1])[:LINES]:
        key, widths = f"p{upper}-{lower}", [WIDEST * one / most for one in grown[upper, lower]]
        rules += _keyframes(key, moments, widths, "stroke-width:{:.2f}".format)
        (x0, y0) = _place(moments, lower // heads, lower % heads)
        (x1, y1) = _place(moments, len(moments[0].strengths) - 1, upper)
        middle = (y0 + y1) / 2
        yield (
            f'<path class="pair {key}" stroke="{head_hue(lower % heads)}" stroke-opacity=".75" '
            f'stroke-width="{widths[-1]:.2f}" '
            f'd="M{x0:g} {y0}C{x0:g} {middle:g} {x1:g} {middle:g} {x1:g} {y1}"/>'
        )


def _grown(moments: Sequence[Moment]) -> dict[tuple[int, int], list[float]]:
    """How much composition every pair has gained since the first moment, where it has."""
    first = moments[0].composition
    if not all(len(one.composition) == len(first) > 0 for one in moments):
        return {}
    pairs = product(range(len(first)), range(len(first[0])))
    return {
        (upper, lower): [
            _gain(one.composition[upper][lower], first[upper][lower]) for one in moments
        ]
        for upper, lower in pairs
    }


def _gain(now: float, before: float) -> float:
    gain = now - before
    return max(gain, 0.0) if isfinite(gain) else 0.0


def _highest(moments: Sequence[Moment]) -> float:
    return max([MOST_LOSS, *(one.loss for one in moments if isfinite(one.loss))])


@dataclass(frozen=True)
class _Plot:
    """Where the curve of the loss lies, and which loss is at its top."""

    moments: Sequence[Moment]
    shape: PictureShape
    most: float

    def at(self, sequences: float) -> float:
        left, _, right, _ = self.shape.plot
        return left + (right - left) * sequences / max(1, self.moments[-1].sequences)

    def of(self, loss: float) -> float:
        _, top, _, bottom = self.shape.plot
        return bottom - (bottom - top) * loss / self.most

    def points(self) -> list[tuple[float, float]]:
        """Where its loss is no number, it is left where it was last one."""
        found, height = [], self.of(0)
        for one in self.moments:
            height = self.of(one.loss) if isfinite(one.loss) else height
            found.append((self.at(one.sequences), height))
        return found


def _curve(
    plot: _Plot, words: Caption, change: tuple[float, float] | None, rules: list[str]
) -> Iterator[str]:
    left, top, right, bottom = plot.shape.plot
    points, guess = plot.points(), plot.of(words.guess)
    if change is not None:
        yield _shaded(plot, change)
    yield _text(left, top - 22, "Training loss (nats)", "title")
    yield _text(left, bottom + 18, "0")
    yield _text(right, bottom + 18, f"{short(plot.moments[-1].sequences)} sequences", "end")
    yield f'<path class="curve" d="M{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
    yield from _cover(plot, rules)
    if change is not None:
        yield _text(min(plot.at(change[0]), right - 84) + 4, top + 12, "phase change", "aside")
    yield f'<path class="axis" d="M{left} {bottom}H{right}"/>'
    yield f'<path d="M{left} {guess:.1f}H{right}" stroke="var(--mark)" stroke-dasharray="4 4"/>'
    yield _text(right, guess - 7, words.guessing, "end")
    yield _dot(plot.moments, points, rules)


def _shaded(plot: _Plot, change: tuple[float, float]) -> str:
    """The phase change."""
    _, top, _, bottom = plot.shape.plot
    start, end = (plot.at(place) for place in change)
    return (
        f'<rect x="{start:.1f}" y="{top}" width="{max(1, end - start):.1f}" '
        f'height="{bottom - top}" fill="var(--mark)" fill-opacity=".16"/>'
    )


def _cover(plot: _Plot, rules: list[str]) -> Iterator[str]:
    """What is still to come is covered, and the cover moves away."""
    left, top, right, bottom = plot.shape.plot
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


def _dot(moments: Sequence[Moment], points: Sequence[tuple[float, float]], rules: list[str]) -> str:
    """The place, on the curve."""
    stops = "".join(
        f"{_percent(one, moments)}{{transform:translate({x:.1f}px,{y:.1f}px)}}"
        for one, (x, y) in zip(moments, points, strict=True)
    )
    x, y = points[-1]
    rules.append(f"@keyframes dot{{{stops}100%{{transform:translate({x:.1f}px,{y:.1f}px)}}}}")
    rules.append(".dot{animation-name:dot}")
    return f'<circle class="dot" r="5" fill="var(--ink)" transform="translate({x:.1f} {y:.1f})"/>'


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
    return f"{100 * MOVING * one.sequences / max(1, moments[-1].sequences):.4g}%"


def _pitch(moments: Sequence[Moment]) -> float:
    """From head to head: as many as there are take no more room than eight."""
    return min(PITCH, 7 * PITCH / max(1, len(moments[0].strengths[0]) - 1))


def _place(moments: Sequence[Moment], layer: int, head: int) -> tuple[float, int]:
    return LEFT + _pitch(moments) * head, _height(layer, len(moments[0].strengths))


def _height(layer: int, layers: int) -> int:
    return UPPER + (LAYER // 2 if layers == 1 else LAYER * (layers - 1 - layer))


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:g}" y="{y:.0f}">{escape(text)}</text>'
