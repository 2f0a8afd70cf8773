"""The example sessions: what one person does to one document, step by step.

All text is ASCII, so that a column is one in every encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Typed:
    """Text that is entered a key at a time, or accepted."""

    text: str


@dataclass(frozen=True)
class Mistyped:
    """Text that is entered and taken back, a key at a time."""

    text: str


@dataclass(frozen=True)
class Moved:
    """The cursor is put behind a text."""

    behind: str


@dataclass(frozen=True)
class Inserted:
    """An edit above the cursor, such as an import that the editor adds."""

    behind: str
    text: str


Step = Typed | Mistyped | Moved | Inserted


@dataclass(frozen=True)
class Session:
    """What one person does to one document."""

    name: str
    file_name: str
    text: str
    """With the cursor as it stands at first."""
    steps: Sequence[Step]
    accepts: str = ""
    """`all` or `words` of what is shown; nothing where this is empty."""
    closes_brackets: bool = False
    """Whether the editor does, as soon as they are opened."""
    gap_scale: float = 1.0

    def truth(self) -> str:
        """The text in the end."""
        before, _, after = self.text.partition("█")
        text, at = before + after, len(before)
        for step in self.steps:
            match step:
                case Moved(behind):
                    at = end_of(behind, text)
                case Typed(added):
                    text = text[:at] + added + text[at:]
                    at += len(added)
                case Inserted(behind, added):
                    end = end_of(behind, text)
                    text = text[:end] + added + text[end:]
                    at += len(added)
        return text


PYTHON = '''\
"""Orders of a small shop."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Order:
    """One order, and whose it is."""

    number: int
    customer: str
    prices: list[float]
    is_paid: bool = False


def total(order: Order) -> float:
    """What an order comes to."""
    return sum(order.prices)


'''
PYTHON_END = """


def main() -> None:
    print(total(Order(1, "Ada", [2.5, 4.0])))
"""
TYPESCRIPT = """\
import { query, type Row } from "./database";
import { label, limit } from "./format";

export interface Page {
  rows: Row[];
  names: Record<string, string>;
}

export function count(page: Page): number {
  return page.rows.length;
}

"""
GO = """\
package store

// Order is one order of a customer.
type Order struct {
	Number int
	Paid   bool
	Prices []float64
}

// Store keeps orders by their number.
type Store struct {
	orders map[int]Order
}

// Count returns how many orders there are.
func (s *Store) Count() int {
	return len(s.orders)
}

"""

SESSIONS = (
    Session(
        "a body, line by line",
        "orders.py",
        f"{PYTHON}def unpaid(orders: list[Order]) -> list[Order]:\n    █{PYTHON_END}",
        [
            Typed(
                "found = []\n    for order in orders:\n        if not order.is_paid:"
            ),
            Typed("\n            found.append(order)\n    return found"),
        ],
    ),
    Session(
        "brackets that are closed",
        "page.ts",
        f"{TYPESCRIPT}export async function labels(page: Page) {{\n"
        "  const rows = █\n}\n",
        [
            Typed("await query(limit(20));\n  return rows.map((row) => "),
            Typed("label(row, page.names[row.id]));"),
        ],
        closes_brackets=True,
    ),
    Session(
        "slips taken back",
        "store.go",
        f"{GO}func (s *Store) Paid() []Order {{\n\tvar paid []Order\n\t█\n}}\n",
        [
            Typed("for _, order := ra"),
            Mistyped("gn"),
            Typed("nge s.orders {\n\t\tif ord"),
            Mistyped("re"),
            Typed("er.Paid {\n\t\t\tpaid = append(paid, order)\n\t\t}\n\t}"),
        ],
    ),
    Session(
        "all accepted",
        "orders.py",
        f"{PYTHON}def summary(order: Order) -> dict[str, float]:\n    █{PYTHON_END}",
        [
            Typed("count = len(order.prices)\n    highest = max(order.prices)\n"),
            Typed("    lowest = min(order.prices)\n    mean = total(order) / count\n"),
            Typed("    spread = highest - lowest\n    return {\n"),
            Typed('        "count": count,\n        "mean": mean,\n'),
            Typed('        "spread": spread,\n    }'),
        ],
        accepts="all",
    ),
    Session(
        "accepted word by word",
        "page.ts",
        f"{TYPESCRIPT}export function summary(page: Page): string {{\n  █\n}}\n",
        [
            Typed("const paid = page.rows.filter((row) => row.isPaid);\n  "),
            Typed("const open = page.rows.filter((row) => !row.isPaid);\n  "),
            Typed("return `${paid.length} paid, ${open.length} open`;"),
        ],
        accepts="words",
    ),
    Session(
        "left and come back to",
        "orders.py",
        f"{PYTHON}def mean(orders: list[Order]) -> float:\n    █{PYTHON_END}",
        [
            Typed("totals = [total(order) for"),
            Moved("    is_paid: bool = False"),
            Typed('\n    note: str = ""'),
            Moved("totals = [total(order) for"),
            Typed(" order in orders]\n    return sum(totals) / len(totals)"),
        ],
    ),
    Session(
        "an import in between",
        "orders.py",
        f"{PYTHON}def dumped(order: Order) -> str:\n    █{PYTHON_END}",
        [
            Typed("fields = asdict(order)\n    text = json.du"),
            Inserted("from __future__ import annotations\n\n", "import json\n"),
            Typed("mps(fields, indent=2)\n    return text"),
        ],
    ),
    Session(
        "quicker than the stream",
        "page.ts",
        f"{TYPESCRIPT}export function total(page: Page): number {{\n  █\n}}\n",
        [
            Typed("let sum = 0;\n  for (const row of page.rows) {\n    "),
            Typed("sum += row.price * row.amount;\n  }\n  "),
            Typed("return Math.round(sum * 100) / 100;"),
        ],
        gap_scale=0.35,
    ),
    Session(
        "through a block",
        "store.go",
        f"{GO}func (s *Store) Total() float64 {{█\n}}\n",
        [
            Typed("\n\tsum := 0.0\n\tfor _, order := range s.orders {"),
            Typed("\n\t\tfor _, price := range order.Prices {\n\t\t\tsum += price"),
            Typed("\n\t\t}\n\t}\n\treturn sum"),
        ],
        gap_scale=0.6,
    ),
)


def end_of(part: str, text: str) -> int:
    """The offset behind a part of a text that is there once."""
    assert text.count(part) == 1
    return text.index(part) + len(part)
