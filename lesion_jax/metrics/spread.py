"""From variances and their degrees of freedom to half-widths of intervals and p."""

import dataclasses
import math

from scipy import optimize, special

# p below this is written as this: no study here can tell such numbers apart.
_SMALLEST_P = 1e-9


@dataclasses.dataclass(frozen=True)
class Spread:
    """What a difference varies by.

    An interval reaches sqrt(sum of t_i^2 V_i) to each side, t_i being Student's quantile with the degrees of freedom of
    the variance V_i (Banerjee 1960). Unlike with Satterthwaite's degrees of freedom, the interval of two or three
    retrainings is not too narrow when their variance comes out small by chance.

    Attributes:
      parts: (variance, degrees of freedom) of each part of the variance of the mean.
      alternative: A second estimate of all of it, or None; the wider interval counts. A single cross-validation has it
        from its folds.
    """

    parts: tuple[tuple[float, int], ...]
    alternative: tuple[float, int] | None = None

    @property
    def standard_error(self) -> float:
        """Square root of the variance."""
        variance = sum(variance for variance, _ in self.parts)
        return math.sqrt(max(variance, self.alternative[0]) if self.alternative else variance)

    def half_width(self, confidence: float) -> float:
        """Half of the two-sided interval's width, for a confidence in (0, 1)."""
        squares = [sum(_reach(*part, confidence) for part in self.parts)]
        if self.alternative:
            squares.append(_reach(*self.alternative, confidence))
        return math.sqrt(max(squares))

    def p(self, value: float) -> float:
        """Two-sided p of "no difference": 1 minus the confidence whose interval just reaches 0."""

        def too_wide(exponent: float) -> float:
            return self.half_width(1 - 10**exponent) - abs(value)

        # In powers of ten: p of 1e-6 is found as well as p of 0.5.
        smallest, largest = math.log10(_SMALLEST_P), -1e-9
        if too_wide(largest) >= 0:
            return 1.0
        if too_wide(smallest) <= 0:
            return _SMALLEST_P
        found = optimize.root_scalar(too_wide, bracket=(smallest, largest), method="brentq", xtol=1e-6)
        return 10 ** float(found.root)


def _reach(variance: float, df: int, confidence: float) -> float:
    return variance * float(special.stdtrit(df, 0.5 + confidence / 2)) ** 2
