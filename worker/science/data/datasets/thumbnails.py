"""Drawings as PNG data URIs, with the ink as alpha: to be shown on light and dark grounds."""

import base64
import struct
import zlib

import torch
from torch import Tensor

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_AND_ALPHA = 4  # colour type


def thumbnail_uri(image: Tensor) -> str:
    """A data URI of a drawing `[row, column]`, uint8, dark ink (0) on white (255).

    Every pixel is black and as opaque as its ink is dark.
    """
    height, width = image.shape
    pixels = torch.stack([torch.zeros_like(image), 255 - image], dim=-1).numpy()
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # 0: the row is not filtered
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY_AND_ALPHA, 0, 0, 0)
    chunks = (
        _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )
    return "data:image/png;base64," + base64.b64encode(_SIGNATURE + chunks).decode("ascii")


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content and checksum of one PNG chunk."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
