"""Writing copies: the first, the next, and taking back what others changed."""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import CachedObject, Json
from tmcconsole.kube.patches import Difference
from tmcconsole.kube.redact import redact_at, redact_text
from tmcconsole.sync.ledger import note_revert
from tmcconsole.sync.markers import is_ours
from tmcconsole.sync.places import ensure_namespace
from tmcconsole.sync.plan import Update, collision_text, differences, fingerprint, is_copy_of
from tmcconsole.sync.turn import (
    REFUSED_RECHECK_S,
    Turn,
    is_other_object,
    is_ownership,
    look_at_live,
    read_live,
    take_in,
    with_metadata,
)
from tmcconsole.tmc.errors import Severity

# No object has resourceVersion 1: an apply that carries it creates, or fails where the name is
# taken. Creation is thereby atomic, and our fields are owned by the apply from the start.
ABSENT = "1"
SHOWN_FIELDS = 3  # of a drift, in one message


async def create(turn: Turn) -> float | None:
    """Write the first copy, or find out whose the object of that name is."""
    if turn.entry.collided:
        there = await read_live(turn.target, turn.here, turn.key)
        if there is not None:  # no second attempt on what was found to be foreign
            return await _whose(turn, there)
        turn.entry.collided = False
    turn.stand(SyncState.PENDING, "Creating")
    await ensure_namespace(turn.world, turn.target, turn.key.namespace)
    try:
        await _apply(turn, with_metadata(turn.desired.tree, resourceVersion=ABSENT), force=False)
    except Conflict:
        there = await read_live(turn.target, turn.here, turn.key)
        if there is None:  # gone again between the two requests
            raise
        return await _whose(turn, there)
    return None


async def update(turn: Turn, step: Update) -> float | None:
    """Write over our copy. Where the wish is already applied, something else changed it."""
    _end_old_fight(turn)
    if step.drift:
        return _truce(turn) or await _revert(turn, step)
    turn.stand(SyncState.PENDING, "Updating")
    return await _write_over(turn, step.uid, "")


async def _write_over(turn: Turn, uid: str, drift: str) -> float | None:
    """Apply the wish to our own copy; where others own fields of it, take those back."""
    try:
        await _apply(turn, with_metadata(turn.desired.tree, uid=uid), force=False)
    except Conflict as error:
        if not is_ownership(error):
            await look_at_live(turn)
            raise
        what = "; ".join(part for part in (drift, _blame(error)) if part)
        fight = None if drift else _fight(turn, what)  # a drift was counted when it was found
        return fight or await _take_back(turn, uid, what)
    except Invalid as error:
        if not is_other_object(error):
            raise
        return await look_at_live(turn)
    if drift:
        _record(turn, drift)
    return None


def _end_old_fight(turn: Turn) -> None:
    """What was taken back for another wish does not count against the one there is now."""
    until, digest = turn.entry.truce
    if until and digest != turn.facts.source_digest:
        turn.entry.truce, turn.entry.reverts = (0.0, b""), ()


def _truce(turn: Turn) -> float | None:
    """After a fight nothing is written until the wish changes, or some time has passed."""
    until, digest = turn.entry.truce
    left = until - turn.world.runtime.now()
    return left if left > 0 and digest == turn.facts.source_digest else None


async def _whose(turn: Turn, live: CachedObject) -> float | None:
    tree = live.decode()
    if is_ours(tree, turn.target.key, turn.facts.origin):
        return take_in(turn.here.informer, live)
    if is_copy_of(turn.facts, live, tree):
        return await _write_over(turn, live.uid, "our markers were taken off")
    return turn.collide(collision_text(tree))


async def _revert(turn: Turn, step: Update) -> float | None:
    """Drift, or the server's own defaulting? A dry run of our wish tells."""
    tree = with_metadata(turn.desired.tree, uid=step.uid)
    normalised = await _dry_run(turn, tree)
    if normalised is None:
        return await look_at_live(turn)
    normal = _fingerprints(differences(turn.desired, normalised.decode(), frozenset()))
    if _fingerprints(step.drift) <= normal:
        turn.entry.normal = normal
        if turn.facts.copy is not None:
            turn.settle(turn.facts.copy)
        return None
    what = _describe(turn.kind, step.drift)
    turn.stand(SyncState.DRIFTED, "Drift", what)
    return _fight(turn, what) or await _write_over(turn, step.uid, what)


def _fight(turn: Turn, what: str) -> float | None:
    """Count a change to be taken back; where it has become a fight, stop and say so."""
    now = turn.world.runtime.now()
    if not note_revert(turn.entry, now):
        return None
    message = f"{what}; changed back and forth: stop the other writer, or remove the field here"
    turn.stand(SyncState.REFUSED, "Fight", message)
    turn.entry.truce = (now + REFUSED_RECHECK_S, turn.facts.source_digest)
    _record(turn, f"fight: {what}", severity=Severity.HIGH)
    return REFUSED_RECHECK_S


async def _dry_run(turn: Turn, tree: Json) -> CachedObject | None:
    """Return what the server would make of our wish, None where the copy is another by now."""
    try:
        async with turn.target.flow.admitted():
            return await turn.target.door.apply(turn.permit(tree), force=True, dry_run=True)
    except Conflict:
        await look_at_live(turn)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return None


async def _take_back(turn: Turn, uid: str, what: str) -> float | None:
    """hub-wins: take fields of our own copy back from other managers."""
    try:
        await _apply(turn, with_metadata(turn.desired.tree, uid=uid), force=True)
    except Conflict:
        await look_at_live(turn)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return await look_at_live(turn)
    _record(turn, what)
    return None


async def _apply(turn: Turn, tree: Json, *, force: bool) -> None:
    permit = turn.permit(tree)
    async with turn.target.flow.admitted():
        written = await turn.target.door.apply(permit, force=force)
    found = differences(turn.desired, written.decode(), frozenset())
    turn.entry.normal = _fingerprints(found)
    turn.here.informer.observe(written)
    turn.settle(written)


def _fingerprints(found: tuple[Difference, ...]) -> frozenset[str]:
    return frozenset(fingerprint(difference) for difference in found)


def _describe(kind: str, drift: tuple[Difference, ...]) -> str:
    shown = [_told(kind, entry) for entry in drift[:SHOWN_FIELDS]]
    more = f" and {len(drift) - SHOWN_FIELDS} more" if len(drift) > SHOWN_FIELDS else ""
    return redact_text("; ".join(shown) + more)


def _told(kind: str, entry: Difference) -> str:
    wanted, actual = (redact_at(kind, entry.path, one) for one in (entry.wanted, entry.actual))
    return f"{entry.path}: {wanted!r} there {actual!r}"


def _blame(error: Conflict) -> str:
    """kube-apiserver's cause message names the manager; the field says what it holds."""
    held = [f"{cause.field} ({cause.message})" for cause in error.causes[:SHOWN_FIELDS]]
    return "held by others: " + ", ".join(held)


def _record(turn: Turn, what: str, severity: Severity = Severity.LOW) -> None:
    turn.world.history.record(
        "drift",
        "Reverted" if severity is Severity.LOW else "Fight",
        severity=severity,
        target=turn.target.name,
        subject=f"{turn.kind}/{turn.key}",
        message=what,
        at=turn.world.runtime.wall(),
    )
