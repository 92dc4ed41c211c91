"""Wide matrix products, by the faster of torch's two libraries for them.

torch multiplies float32 matrices with MKL, which uses half of the vector width of processors that
are not Intel's. oneDNN uses all of it: on a Zen 5 core the products of an evaluation run at 200
GFLOP/s instead of 75. Calling it costs some microseconds more, so the small products of an update
stay with MKL. docs/adr/0018.
"""

from math import prod

import torch
from torch import Tensor
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch.fx import Graph, Node

WIDE = 2_000_000  # multiplications, from which the faster library is worth its call
_PRODUCTS = (torch.ops.aten.mm.default, torch.ops.aten.bmm.default)


@torch.library.custom_op("optoscope::wide_product", mutates_args=())
def wide_product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b by oneDNN: [m, k] @ [k, n] or [1, m, k] @ [1, k, n], each contiguous."""
    rows, columns = a.flatten(0, -2), b.flatten(0, -2)
    y = torch.ops.mkldnn._linear_pointwise(rows, columns.mT, None, "none", [], "")
    wide: Tensor = y.view(*a.shape[:-1], -1)
    return wide


@wide_product.register_fake
def _(a: Tensor, b: Tensor) -> Tensor:
    return a.new_empty((*a.shape[:-1], b.shape[-1]))


class WideProducts(CustomGraphPass):
    """Has the compiler call `wide_product` for the products that it suits."""

    def __call__(self, graph: Graph) -> None:
        for node in graph.nodes:
            if node.op == "call_function" and node.target in _PRODUCTS and _is_wide(node):
                node.target = torch.ops.optoscope.wide_product.default

    def uuid(self) -> bytes:
        """What compiled programs are cached under."""
        return get_hash_for_files((__file__,))


def _is_wide(node: Node) -> bool:
    """oneDNN takes a thousand times as long for matrices with gaps, so these must have none."""
    matrices = [argument.meta["val"] for argument in node.all_input_nodes]
    work = prod(matrices[0].shape) * matrices[-1].shape[-1]
    return work >= WIDE and all(map(_is_plain, matrices))


def _is_plain(matrix: Tensor) -> bool:
    rows = matrix[0] if matrix.ndim == 3 else matrix
    return (
        matrix.device.type == "cpu"
        and matrix.dtype == torch.float32
        and prod(matrix.shape[:-2]) == 1
        and rows.is_contiguous()
    )
