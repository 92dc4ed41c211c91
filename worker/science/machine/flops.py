"""How much arithmetic an update is: to hold what a machine reaches against what it could."""

from app.schemas.config import RunConfig
from worker.science.parameters import Shape

FORWARD_AND_BACKWARD = 3  # a product's gradient is two products of its size
WITHOUT_INPUTS = 2  # of which features, which are given, need none


def flops_per_update(config: RunConfig, shape: Shape, exemplars: int) -> int:
    """Floating-point operations of the matrix products of one update, a multiply-add as two.

    `exemplars`: rows of the feature table, each embedded once an update. Norms, softmax, rotary
    embedding and Adam are not counted.
    """
    model, tokens = config.model, shape.tokens
    embedded = exemplars * shape.features * model.width
    sequence = sum(
        _block(shape, rows=tokens if layer < model.layers - 1 else 1)
        for layer in range(model.layers)
    )
    sequence += shape.labels * model.width * (1 + shape.context_pairs)  # unembed, label embedding
    batch = config.training.batch_size * sequence
    return 2 * (embedded * WITHOUT_INPUTS + batch * FORWARD_AND_BACKWARD)


def _block(shape: Shape, rows: int) -> int:
    """Multiply-adds of one block for one sequence, whose last `rows` tokens are computed."""
    width, tokens = shape.model.width, shape.tokens
    projections = (rows + 2 * tokens) * width * width
    attention = 2 * rows * tokens * width
    return projections + attention + rows * width * (width + 2 * shape.mlp_width)
