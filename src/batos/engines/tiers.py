"""A tier: what is held in one place, within a budget; what was used longest ago leaves first.

Adapters lie in three: resident in the engine, as a derived file that is mapped, and as the
canonical blob. The last holds all of them; the two before it are tiers. A tier counts bytes
and remembers names; bringing something in, or out, is its caller's business.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """What happened at a tier since it was made."""

    hits: int = 0  # it was there when it was wanted
    misses: int = 0
    evicted: int = 0
    seconds: float = 0.0  # that misses took


class Tier:
    """Names and their bytes, least recently used first. Not safe to use from threads.

    >>> tier = Tier(budget_bytes=10)
    >>> tier.put("a", 4), tier.put("b", 4), tier.use("a"), tier.put("c", 4)
    ([], [], True, ['b'])
    >>> tier.names
    ('a', 'c')
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._held: dict[str, int] = {}  # in the order of their use
        self._pinned: set[str] = set()
        self._hits = self._misses = self._evicted = 0
        self._seconds = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """What is held, least recently used first."""
        return tuple(self._held)

    @property
    def bytes(self) -> int:
        """What it takes."""
        return sum(self._held.values())

    @property
    def counts(self) -> Counts:
        """What happened."""
        return Counts(self._hits, self._misses, self._evicted, self._seconds)

    def use(self, name: str) -> bool:
        """Tell whether something is here, and count that it was wanted."""
        if name not in self._held:
            self._misses += 1
            return False
        self._held[name] = self._held.pop(name)
        self._hits += 1
        return True

    def put(
        self, name: str, size: int, *, pinned: bool = False, needed: Collection[str] = ()
    ) -> list[str]:
        """Take something in, and let others go until all of it is within the budget.

        Args:
            name: What it is.
            size: What it takes.
            pinned: It stays whoever comes later.
            needed: Others that must not go now.

        Returns:
            What has to go: the caller removes it.

        Raises:
            OverflowError: It does not fit beside what stays; nothing has changed.
        """
        stays = self._pinned | set(needed)
        others = {other: held for other, held in self._held.items() if other != name}
        gone: list[str] = []
        free = self.budget_bytes - sum(others.values()) - size
        for other, held in others.items():
            if free >= 0:
                break
            if other not in stays:
                gone.append(other)
                free += held
        if free < 0:
            raise OverflowError(
                f"{size} bytes do not fit into {self.budget_bytes}"
                f" beside {len(others) - len(gone)} that stay"
            )
        for other in gone:
            self.drop(other)
        self._evicted += len(gone)
        self._held.pop(name, None)
        self._held[name] = size
        if pinned:
            self._pinned.add(name)
        return gone

    def drop(self, name: str) -> None:
        """Forget something, if it is here; pinned or not."""
        self._held.pop(name, None)
        self._pinned.discard(name)

    def took(self, seconds: float) -> None:
        """Count what it took to bring something in."""
        self._seconds += seconds
