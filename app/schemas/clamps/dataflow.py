"""What a program does to the output, without numbers: the forward pass on names of values.

Every activation gets a name that says how it comes about, equal names meaning equal values; so a
clamp has an effect exactly if the name of the logits differs without it. This is value numbering,
as compilers use it, on the model of `worker.science.model`: it knows what the arithmetic makes of
zeros, constants, factors and attention that sums to one, what a norm undoes, and that only the
query is read out.

Heads of a layer that the same clamps name are interchangeable: what holds of one holds of each, and
what they write only adds up. One of them stands for all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.footprint import LOGITS, Node, footprint
from app.schemas.clamps.kinds import (
    Ablate,
    ForbidNonLabels,
    ForbidPreviousToken,
    GraftIn,
    GraftOut,
    InductionPattern,
    MatchPattern,
    MeanAblate,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    PreviousTokenPattern,
    Resample,
    Scale,
    SetConstant,
    Temperature,
)
from app.schemas.clamps.names import HIDDEN, ZERO, Name, Names
from app.schemas.clamps.site import Point

LONGEST = 3  # context pairs: with more of them, nothing new can be alive or dead


Stream = Mapping[int, Name]  # by token


class Dataflow:
    """Follows programs through one model; names of different programs can be compared.

    `within`: the program that all of them are parts of, or clamps at sites of it; then heads that
    it does not tell apart are followed as one.
    """

    def __init__(self, dimensions: Dimensions, within: Sequence[BaseClamp] | None = None) -> None:
        pairs = min(dimensions.context_pairs, LONGEST)
        self.dimensions = replace(dimensions, context_pairs=pairs)
        self.heads = [
            range(dimensions.heads) if within is None else _stand_ins(within, layer, dimensions)
            for layer in range(dimensions.layers)
        ]
        self.names = Names()
        self._reach: dict[BaseClamp, list[Node]] = {}
        self._outputs: dict[tuple[BaseClamp, ...], Name] = {}
        self.clean = _Pass(self, ())
        self.untouched = self.clean.logits

    def output(self, program: Sequence[BaseClamp]) -> Name:
        """The name of the logits under a program whose lights are all on."""
        key = tuple(program)
        if key not in self._outputs:
            self._outputs[key] = _Pass(self, program).logits if program else self.untouched
        return self._outputs[key]

    def reach(self, clamp: BaseClamp) -> list[Node]:
        """What a clamp changes, as far as it is followed."""
        if clamp not in self._reach:
            self._reach[clamp] = [
                node
                for node in footprint(clamp, self.dimensions)
                if node.head < 0 or node.head in self.heads[node.layer]
            ]
        return self._reach[clamp]


def _stand_ins(program: Sequence[BaseClamp], layer: int, dimensions: Dimensions) -> list[int]:
    """One head of every kind: the first of those that the same clamps name."""
    sites = [clamp.site for clamp in program if clamp.site.layer in (layer, None)]
    kinds: dict[tuple[bool, ...], int] = {}
    for head in range(dimensions.heads):
        named = tuple(site.heads is not None and head in site.heads for site in sites)
        kinds.setdefault(named, head)
    return list(kinds.values())


class _Pass:
    """One forward pass; `seen` holds every activation, as its readers see it."""

    def __init__(self, flow: Dataflow, program: Sequence[BaseClamp]) -> None:
        self.flow, self.names, self.dimensions = flow, flow.names, flow.dimensions
        self.seen: dict[Node, Name] = {}
        self._clamps: dict[Node, list[BaseClamp]] = {}
        for clamp in sorted(program, key=lambda one: one.phase):
            for node in flow.reach(clamp):
                self._clamps.setdefault(node, []).append(clamp)
        self.logits = self._forward()

    def _rows(self, layer: int) -> range:
        """The tokens that a layer is followed for: of the last, only the query is read out."""
        tokens = self.dimensions.tokens
        return range(tokens - 1 if layer == self.dimensions.layers - 1 else 0, tokens)

    def _tap(self, node: Node, name: Name) -> Name:
        for clamp in self._clamps.get(node, ()):
            name = _CHANGES[type(clamp)](self, clamp, node, name)
        self.seen[node] = name
        return name

    def _each(self, point: Point, layer: int, stream: Stream) -> Stream:
        """Taps a point without heads, token by token."""
        return {t: self._tap(Node(point, layer, row=t), name) for t, name in stream.items()}

    def _forward(self) -> Name:
        tokens = self.dimensions.tokens
        embedded = {t: self.names.leaf("token", t) for t in range(tokens)}
        stream = self._each(Point.EMBED, -1, embedded)
        for layer in range(self.dimensions.layers):
            stream = self._block(layer, stream)
        return self._tap(LOGITS, self.names.of("unembed", self.names.normed(stream[tokens - 1])))

    def _block(self, layer: int, stream: Stream) -> Stream:
        sums = self.names.sum
        attended = self._each(Point.ATTN_OUT, layer, self._attention(layer, stream))
        stream = {t: sums([stream[t], a]) for t, a in attended.items()}
        if self.dimensions.has_mlp:
            stream = {
                t: sums([x, self.names.of(("mlp", layer), self.names.normed(x))])
                for t, x in stream.items()
            }
        return self._each(Point.RESID, layer, stream)

    def _attention(self, layer: int, stream: Stream) -> Stream:
        rows = self._rows(layer)
        read = {
            Point.Q_INPUT: {t: stream[t] for t in rows},
            Point.K_INPUT: stream,
            Point.V_INPUT: stream,
        }
        inputs = {
            point: {t: self.names.normed(x) for t, x in self._each(point, layer, taken).items()}
            for point, taken in read.items()
        }
        heads = {head: self._head(layer, head, inputs) for head in self.flow.heads[layer]}
        bias = [self.names.constant("bias", layer)] if self.dimensions.has_bias else []
        return {
            t: self.names.sum([*(self._written(layer, h, z[t]) for h, z in heads.items()), *bias])
            for t in rows
        }

    def _written(self, layer: int, head: int, z: Name) -> Name:
        """What a head adds to the stream: linear in its z."""
        return self.names.mapped(z, lambda term: self.names.of(("write", layer, head), term))

    def _head(self, layer: int, head: int, inputs: Mapping[Point, Stream]) -> Stream:
        q = self._projected(Point.Q, layer, head, inputs[Point.Q_INPUT])
        k = self._projected(Point.K, layer, head, inputs[Point.K_INPUT])
        v = self._projected(Point.V, layer, head, inputs[Point.V_INPUT])
        return {row: self._z(layer, head, row, of, k, v) for row, of in q.items()}

    def _projected(self, point: Point, layer: int, head: int, normed: Stream) -> Stream:
        is_rotated = self.dimensions.is_rotary and point is not Point.V
        return {
            t: self._tap(
                Node(point, layer, head, t),
                self.names.of((point, layer, head, t if is_rotated else -1), name),
            )
            for t, name in normed.items()
        }

    def _z(self, layer: int, head: int, row: int, q: Name, k: Stream, v: Stream) -> Name:
        at = [(layer, head, row, key) for key in range(row + 1)]
        scores = [
            self._tap(Node(Point.SCORE, *place), self.names.dot(q, k[place[-1]])) for place in at
        ]
        weights = [
            self._tap(Node(Point.PATTERN, *place), weight)
            for place, weight in zip(at, self.names.softmax(scores), strict=True)
        ]
        mixed = self.names.average(weights, [v[key] for key in range(row + 1)])
        return self._tap(Node(Point.Z, layer, head, row), mixed)

    def embedded(self, row: int) -> Name:
        return self.seen[Node(Point.EMBED, row=row)]


# What a clamp makes of one value: the pass it acts in, the clamp, the place, the name before it.
Change = Callable[[_Pass, BaseClamp, Node, Name], Name]


def _scale(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    assert isinstance(clamp, Scale)
    return at.names.scaled(name, clamp.by)


def _temperature(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    assert isinstance(clamp, Temperature)
    return at.names.scaled(name, 1 / clamp.temperature)


def _set(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    assert isinstance(clamp, SetConstant)
    if not isinstance(clamp.value, tuple):
        return at.names.number(clamp.value)
    if node.key >= 0:  # a list over key tokens; a longer context than this has zeros or more there
        return at.names.number(clamp.value[min(node.key, len(clamp.value) - 1)])
    if len(set(clamp.value)) == 1:
        return at.names.number(clamp.value[0])
    return at.names.constant("set", clamp.value)


def _previous_token(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    assert isinstance(clamp, PreviousTokenPattern)
    rest = 1.0 if node.row == 0 else 1 - clamp.strength
    return at.names.number({node.row: rest, node.row - 1: clamp.strength}.get(node.key, 0.0))


def _to_labels(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    """Patterns whose weights depend on the batch: a share of the label tokens each."""
    assert isinstance(clamp, InductionPattern | MatchPattern)
    if node.key % 2 == 0:
        return ZERO
    row = at.names.leaf(clamp.target, clamp.model_dump_json(include={"strength", "temperature"}))
    return at.names.share(row, node.key, at.dimensions.context_pairs)


def _preserve(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    return at.flow.clean.seen[node]


def _mean_ablate(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    return at.names.mean(at.flow.clean.seen[node])


def _resample(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    return at.names.elsewhere(at.flow.clean.seen[node])


def _perfect_layer1(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    is_shifted = node.point is not Point.RESID and 0 < node.row < at.dimensions.tokens - 1
    return at.embedded(node.row - 1 if is_shifted else node.row)


def _perfect_copy(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    assert isinstance(clamp, PerfectCopy)
    layer, (head,) = clamp.site.layer or 0, clamp.site.heads or (0,)
    seen = at.seen if clamp.source == "live" else at.flow.clean.seen
    query = at.dimensions.tokens - 1
    scores = [seen[Node(Point.SCORE, layer, head, query, key)] for key in range(1, query, 2)]
    labels = at.names.leaf("labels")  # whose scores they are differs from sequence to sequence
    return at.names.of("copy", labels, *scores)


def _graft_in(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    assert isinstance(clamp, GraftIn)
    return at.names.leaf("graft", clamp.checkpoint, node.layer, node.row)


def _graft_out(at: _Pass, clamp: BaseClamp, node: Node, name: Name) -> Name:
    """The donor's last layers read every token; beyond its last, only the query through a norm."""
    assert isinstance(clamp, GraftOut)
    layer, last = clamp.site.layer or 0, at.dimensions.tokens - 1
    if layer == at.dimensions.layers - 1:
        read = [at.names.normed(at.seen[Node(Point.RESID, layer, row=last)])]
    else:
        read = [at.seen[Node(Point.RESID, layer, row=t)] for t in range(last + 1)]
    return at.names.of(("grafted", clamp.checkpoint, layer), *read)


_CHANGES: dict[type[BaseClamp], Change] = {
    Ablate: lambda at, clamp, node, name: ZERO,
    MeanAblate: _mean_ablate,
    Resample: _resample,
    Preserve: _preserve,
    GraftIn: _graft_in,
    Scale: _scale,
    Temperature: _temperature,
    SetConstant: _set,
    InductionPattern: _to_labels,
    PreviousTokenPattern: _previous_token,
    MatchPattern: _to_labels,
    ForbidPreviousToken: lambda at, clamp, node, name: HIDDEN,
    ForbidNonLabels: lambda at, clamp, node, name: HIDDEN,
    PerfectLayer1: _perfect_layer1,
    PerfectCopy: _perfect_copy,
    GraftOut: _graft_out,
}
