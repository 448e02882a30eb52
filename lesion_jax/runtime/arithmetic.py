"""How much arithmetic a function needs: that of its convolutions and products; of forms by platform, of the leanest.

A tap that meets a zero of a dilated image is not counted, one that meets the padding is: the 5x5 stride-2 convolution,
its transpose and its weight gradient need 50 B h w I O each, written as a convolution or as products.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend import core as jex_core

from lesion_jax.runtime.jaxprs import inner_jaxprs

_CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_vjp_call", "custom_jvp_call")


def needed_flops(function: Callable[..., Any], *arguments: Any) -> int:
    """Floating-point operations of convolutions and matrix products; a multiplication and an addition are two.

    Args:
      function: Traced once.
      *arguments: Trees of arrays or ShapeDtypeStructs.

    Returns:
      Operations of one call; of a loop those of all of its turns, where their number is known, else of one; of branches
      those of the largest, of forms for different platforms those of the smallest.
    """
    return _flops(jax.make_jaxpr(function)(*arguments).jaxpr)


def _flops(jaxpr: Any, is_used: Sequence[bool] | None = None) -> int:
    """Of what the results need, or those of them that are used: a gradient that nobody asks for is traced, too."""
    results = jaxpr.outvars if is_used is None else itertools.compress(jaxpr.outvars, is_used)
    used, total = {x for x in results if not isinstance(x, jex_core.Literal)}, 0
    for equation in reversed(jaxpr.eqns):
        if not used.intersection(equation.outvars) and not equation.effects:
            continue
        used |= {x for x in equation.invars if not isinstance(x, jex_core.Literal)}
        total += _of_one(equation, [x in used for x in equation.outvars])
    return total


def _of_one(equation: Any, is_used: Sequence[bool]) -> int:
    name = equation.primitive.name
    if name == "conv_general_dilated":
        return _convolution(equation)
    if name == "dot_general":
        return _product(equation)
    if name == "cond":
        # Forms of one map by platform: some spend arithmetic on zeros, to be faster where they are used.
        is_of_forms = equation.params.get("branches_platforms")
        return (min if is_of_forms else max)(map(_flops, inner_jaxprs(equation)))
    # A call gives what the called one gives; a loop's state is read by its next turn.
    whole = [_flops(inner, is_used if name in _CALLS else None) for inner in inner_jaxprs(equation)]
    return equation.params.get("length", 1) * sum(whole)


def _convolution(equation: Any) -> int:
    result, kernel = equation.outvars[0].aval.shape, equation.invars[1].aval.shape
    numbers = equation.params["dimension_numbers"]
    # HWIO whatever the layout: the channels that each output sees, and the taps.
    _, channels, *taps = (kernel[axis] for axis in numbers.rhs_spec)
    dilated = math.prod(equation.params["lhs_dilation"])
    return 2 * math.prod(result) * channels * math.prod(taps) // (dilated * equation.params["batch_group_count"])


def _product(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    left = equation.invars[0].aval.shape
    return 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(left[axis] for axis in contracted)
