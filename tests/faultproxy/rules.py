"""Which faults affect which requests, changeable while requests and streams run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from yarl import URL

from tests.faultproxy.faults import Fault, Outcome, Plan, plan


@dataclass(slots=True, eq=False)
class Rule:
    """A fault and the requests it affects."""

    fault: Fault
    methods: tuple[str, ...]  # empty: all
    path: re.Pattern[str]  # searched in path and query
    left: int | None  # how many more new requests it affects; None: no end, and running streams too

    def meets(self, method: str, path: str) -> bool:
        """Return whether a request is affected."""
        if self.left == 0 or (self.methods and method not in self.methods):
            return False
        return self.path.search(path) is not None


class Rules:
    """The faults that are on. Owned by one proxy."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._changed = anyio.Event()

    def on(
        self,
        fault: Fault,
        *,
        methods: tuple[str, ...] = (),
        path: str = "",
        times: int | None = None,
    ) -> Rule:
        """Let a fault affect the requests whose path and query match a regular expression.

        With ``times`` it affects that many new requests and leaves running streams alone.
        """
        rule = Rule(fault, methods, re.compile(path), times)
        self._rules.append(rule)
        self._wake()
        return rule

    def off(self, rule: Rule) -> None:
        """End a fault; what it held back goes on."""
        if rule in self._rules:
            self._rules.remove(rule)
        self._wake()

    def clear(self) -> None:
        """End every fault."""
        self._rules.clear()
        self._wake()

    @contextmanager
    def during(
        self, fault: Fault, *, methods: tuple[str, ...] = (), path: str = ""
    ) -> Iterator[None]:
        """Let a fault last as long as the block."""
        rule = self.on(fault, methods=methods, path=path)
        try:
            yield
        finally:
            self.off(rule)

    def begin(self, method: str, url: URL) -> Exchange:
        """Return the exchange that a new request begins, and count it in rules with ``times``."""
        path = url.raw_path_qs
        counting = [r for r in self._rules if r.left is not None and r.meets(method, path)]
        for rule in counting:
            rule.left = (rule.left or 0) - 1
        return Exchange(method, url, self, tuple(rule.fault for rule in counting))

    def lasting(self, method: str, path: str) -> tuple[Fault, ...]:
        """Return the faults without an end that affect a request at this moment."""
        return tuple(r.fault for r in self._rules if r.left is None and r.meets(method, path))

    async def change(self) -> None:
        """Return when a fault was switched on or off."""
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, and the faults that affect them at this moment."""

    method: str
    url: URL
    rules: Rules
    counted: tuple[Fault, ...] = field(default=())

    @property
    def is_stream(self) -> bool:
        """Return whether the answer is a watch or a followed log."""
        return any(self.url.query.get(flag) in ("true", "1") for flag in ("watch", "follow"))

    @property
    def is_read(self) -> bool:
        """Return whether the answer is one document that a replica could remember."""
        return self.method == "GET" and not self.is_stream

    def plan(self) -> Plan:
        """Add up the faults that affect this request now."""
        return plan((*self.counted, *self.rules.lasting(self.method, self.url.raw_path_qs)))

    async def until(self, condition: Callable[[Plan], bool]) -> Plan:
        """Wait for a plan that satisfies a condition, and return it."""
        while not condition(now := self.plan()):
            await self.rules.change()
        return now

    async def until_forwarded(self) -> Plan:
        """Wait while requests hang."""
        return await self.until(lambda now: now.outcome is not Outcome.HANG)

    async def until_answered(self, *, head: bool = False) -> Plan:
        """Wait while answers are held back; a frozen replica lets the head of a stream pass."""
        held = (Outcome.HANG, Outcome.WITHHOLD)

        def flows(now: Plan) -> bool:
            is_frozen = self.is_stream and now.frozen is not None and not head
            return now.outcome not in held and not is_frozen

        return await self.until(flows)
