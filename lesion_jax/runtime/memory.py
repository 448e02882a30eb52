"""How much memory a function needs at most, without compiling it for any device."""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core as jex_core

from lesion_jax.runtime.jaxprs import inner_jaxprs


def peak_bytes(function: Callable[..., Any], *arguments: Any) -> int:
    """Bytes of all values that are alive at once, at the worst moment, when nothing is fused.

    A compiler that fuses needs less; one that reorders or pads may need a little more. A function of the shapes
    alone, so that every machine of a cluster computes the same.

    Args:
      function: Traced once.
      *arguments: Trees of arrays or ShapeDtypeStructs; alive throughout.
    """
    return _peak(jax.make_jaxpr(function)(*arguments).jaxpr)


def _bytes(variable: Any) -> int:
    aval = variable.aval
    # Keys have no itemsize; they are small.
    return getattr(aval, "size", 0) * getattr(getattr(aval, "dtype", None), "itemsize", 8)


def _peak(jaxpr: Any) -> int:
    last_use = {}
    for at, equation in enumerate(jaxpr.eqns):
        last_use |= {v: at for v in equation.invars if not isinstance(v, jex_core.Literal)}
    last_use |= {v: len(jaxpr.eqns) for v in jaxpr.outvars if not isinstance(v, jex_core.Literal)}
    ours = {*jaxpr.invars, *jaxpr.constvars}
    alive = peak = sum(map(_bytes, ours))
    for at, equation in enumerate(jaxpr.eqns):
        made = sum(map(_bytes, equation.outvars))
        inner = max((_peak(j) - sum(map(_bytes, j.invars)) for j in inner_jaxprs(equation)), default=0)
        peak = max(peak, alive + max(made, inner))
        # A value that is never read is freed at once.
        alive += sum(_bytes(v) for v in equation.outvars if v in last_use)
        read = {v for v in equation.invars if not isinstance(v, jex_core.Literal)}
        alive -= sum(_bytes(v) for v in read - ours if last_use[v] == at)
    return peak
