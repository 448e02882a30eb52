"""A decoder for pydicom: JPEG Extended of 12 bits, which gdcm leaves out. Imports pydicom: import it late."""

import imagecodecs
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder
from pydicom.uid import JPEGExtended12Bit

NAME = "imagecodecs"

# ITU-T T.81, B.1.1.3: the end of an image, which no compressed data contain; files pad it to an even length.
_END = b"\xff\xd9"


def is_available(uid: str) -> bool:
    """Whether it decodes a transfer syntax, which pydicom asks of a plugin's module."""
    return uid == JPEGExtended12Bit


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """A codestream of one grey image, as the bytes of uint8 or uint16 [R, C].

    Raises:
      RuntimeError: It is damaged or cut short. What has colours is larger than its header says, which pydicom refuses.
    """
    # The decoder makes up what is cut off.
    if _END not in src[-8:]:
        raise RuntimeError("The codestream has no end.")
    image = imagecodecs.jpeg_decode(src)
    runner.set_option("bits_allocated", 8 * image.dtype.itemsize)
    return image.tobytes()


def register() -> None:
    """Makes pydicom know it, once."""
    decoder = get_decoder(JPEGExtended12Bit)
    if NAME not in decoder.available_plugins:
        decoder.add_plugin(NAME, (__name__, decode_frame.__name__))
