"""What a program does to the output, without numbers: the forward pass on names of values.

Every activation gets a name that says how it comes about, equal names meaning equal values; so a
clamp has an effect exactly if the name of the logits differs without it. This is value numbering,
as compilers use it, on the model of `worker.science.model`: it knows what the arithmetic makes of
zeros, constants, factors and attention that sums to one, what a norm undoes, and that only the
query is read out.

Heads of a layer that the same clamps name are interchangeable: what holds of one holds of each, and
what they write only adds up. One of them stands for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.footprint import footprint
from app.schemas.clamps.names import Name, Names
from app.schemas.clamps.nodes import LOGITS, Node
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
            name = clamp.change(self, node, name)
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

    @property
    def unclamped(self) -> Mapping[Node, Name]:
        return self.flow.clean.seen

    def embedded(self, row: int) -> Name:
        return self.seen[Node(Point.EMBED, row=row)]
