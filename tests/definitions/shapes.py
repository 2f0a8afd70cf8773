"""Shapes."""

from dataclasses import dataclass
from typing import overload

MAX_SIDES = 12
type Pair = tuple[int, int]


# What every shape can do.
@dataclass(frozen=True)
class Shape(Base, metaclass=Meta):
    """A shape in the plane.

    It has an area.
    """

    n_sides: int = 0
    names = ["a", "b"]

    class Inner:
        pass

    def area(self, scale: float = 1.0) -> float:
        """The area, scaled."""

        def helper() -> None:
            local = 1

        return 0.0

    def __init__(
        self,
        n_sides: int,
    ) -> None:
        pass

    def _secret(self) -> None:
        pass

    @property
    def name(self) -> str:
        return "shape"


async def draw(
    shape: Shape,
    *,
    width_px: int,
) -> None:
    '''Draws a shape.'''
    count = 0


# NB: A comment that is not above the function.

def plain(): return 1
