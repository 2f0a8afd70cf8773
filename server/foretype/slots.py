"""Which document has which of llama.cpp's cache slots."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Slots:
    """As many slots as there are, lent to the documents that are worked on.

    Each keeps the evaluated prompt of one document: with a slot of its own, a document
    is not evaluated again because somebody works on another.
    """

    def __init__(self, n: int) -> None:
        self._free = list(reversed(range(n)))
        # Those whose document was asked for longest ago come first.
        self._lent: OrderedDict[tuple[Hashable, str], int] = OrderedDict()

    def of(self, client: Hashable, document: str) -> int:
        """The document's slot; where none is free, that of the one unused longest."""
        key = (client, document)
        if key in self._lent:
            self._lent.move_to_end(key)
        elif self._free:
            self._lent[key] = self._free.pop()
        else:
            _, self._lent[key] = self._lent.popitem(last=False)
        return self._lent[key]

    def give_back(self, client: Hashable) -> None:
        """Frees the slots of a client that is gone."""
        for key in [key for key in self._lent if key[0] == client]:
            self._free.append(self._lent.pop(key))
