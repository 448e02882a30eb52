"""A small encoder of JPEG Lossless, written from ITU-T T.81, annex H: what the decoder must undo."""

import struct

import numpy as np


def encode(image: np.ndarray, precision: int, predictor: int) -> bytes:
    """Process 14 with one component, and Huffman codes of five bits for each of the 17 categories.

    Args:
      image: Unsigned integers [R, C] below 2 ** precision.
      precision: Bits of a sample, 2 to 16.
      predictor: Selection value, 1 to 7 (table H.1).
    """
    x = image.astype(np.int64)
    left, above, corner = (np.zeros_like(x) for _ in range(3))
    left[:, 1:], above[1:], corner[1:, 1:] = x[:, :-1], x[:-1], x[:-1, :-1]
    guess = (
        left,
        above,
        corner,
        left + above - corner,
        left + ((above - corner) >> 1),
        above + ((left - corner) >> 1),
        (left + above) >> 1,
    )[predictor - 1].copy()
    # The first row goes by what is left of it, the first column by what is above, whatever the predictor.
    guess[0], guess[1:, 0], guess[0, 0] = left[0], above[1:, 0], 1 << (precision - 1)
    bits = []
    for difference in ((x - guess + 0x8000) % 0x10000 - 0x8000).reshape(-1).tolist():
        size = abs(difference).bit_length()
        bits.append(f"{size:05b}")
        if 0 < size < 16:
            bits.append(f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    scan = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB3B", precision, *image.shape, 1, 1, 0x11, 0)
    codes = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    start = bytes([1, 1, 0, predictor, 0, 0])
    return b"\xff\xd8" + _segment(0xC3, frame) + _segment(0xC4, codes) + _segment(0xDA, start) + scan + b"\xff\xd9"


def _segment(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + struct.pack(">H", len(data) + 2) + data
