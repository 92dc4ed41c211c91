"""What a program must fit: the sizes of a model and its task, without either's options."""

from dataclasses import dataclass

from app.schemas.clamps.site import Point, Positions


@dataclass(frozen=True)
class Dimensions:
    """Sizes that decide whether a program can be; `app.schemas.config` makes it from a config."""

    layers: int = 2
    heads: int = 8
    width: int = 64
    labels: int = 5
    context_pairs: int = 2
    sequences: int = 1_000_000
    has_mlp: bool = False
    has_bias: bool = True
    is_rotary: bool = True

    @property
    def tokens(self) -> int:
        """Length of a sequence: a pair is two tokens, the query one."""
        return 2 * self.context_pairs + 1

    def features_at(self, point: Point) -> int:
        """Size of the axis that a list of constants runs along at a point."""
        if point in (Point.Q, Point.K, Point.V, Point.Z):
            return self.width // self.heads
        if point in (Point.SCORE, Point.PATTERN):
            return self.tokens
        return self.labels if point is Point.LOGITS else self.width


def rows_of(positions: Positions, tokens: int) -> range:
    """The token numbers of a role: exemplars are even, labels odd, the query is last."""
    return {
        Positions.ALL: range(tokens),
        Positions.QUERY: range(tokens - 1, tokens),
        Positions.LABELS: range(1, tokens - 1, 2),
        Positions.EXEMPLARS: range(0, tokens - 1, 2),
    }[positions]
