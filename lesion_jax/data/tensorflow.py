"""TensorFlow, told to be quiet and to stay on the host. Importing it takes seconds: import it late."""

import os

# Its messages would tear up the progress line; a value that the user set stays. 1 is what JAX sets.
if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1") == "1":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import tensorflow as tf

__all__ = ["hide_accelerators", "tf"]


def hide_accelerators() -> None:
    """Keeps TensorFlow from taking all of the memory of an accelerator that JAX is about to use."""
    for kind in ("GPU", "TPU"):
        if tf.config.get_visible_devices(kind):
            tf.config.set_visible_devices([], kind)
