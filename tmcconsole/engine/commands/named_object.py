"""Which object a word means, written as kubectl takes it: short name, singular, kind or plural."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tmcconsole.config.problems import nearest
from tmcconsole.engine.commands.audited_order import Rejected
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE

FORM = "write KIND/NAMESPACE/NAME, or KIND/NAME for a cluster-scoped object; @TARGET asks for one"


class Named(NamedTuple):
    """An object, and the target whose copy alone is meant; "" for all."""

    item: Item
    target: str = ""


def named_object(session: HubSession, supervisors: Mapping[str, Supervisor], word: str) -> Named:
    """Return what ``deploy/shop/web@eu-west`` means. Raises ``Rejected`` where nothing is."""
    path, _, target = word.partition("@")
    if target and target not in supervisors:
        raise Rejected(f"there is no target {target!r}", nearest(target, supervisors))
    kind, *place = path.split("/")
    if not kind or not 1 <= len(place) <= 2 or not all(place):
        raise Rejected(f"{word!r} names no object", FORM)
    if kind.startswith(LANE):
        return Named(Item(kind, ObjectKey(*place)), target)
    found = _kind(session, supervisors, kind)
    if found.namespaced and len(place) == 1:
        return Named(Item(found.id, _only(session, found, place[0])), target)
    if not found.namespaced and len(place) == 2:
        raise Rejected(f"{found.id} are not in namespaces", f"write {kind}/{place[1]}")
    key = ObjectKey(*place) if found.namespaced else ObjectKey("", *place)
    return Named(Item(found.id, key), target)


def _kind(session: HubSession, supervisors: Mapping[str, Supervisor], word: str) -> Kind:
    """Return the kind as the hub serves it, or else a target; what is synced goes first."""
    known: dict[str, Kind] = {}
    for discovery in _discoveries(session, supervisors):
        for kind in _called(discovery, word.lower()):
            known.setdefault(kind.id, kind)
    for id in session.shared.hub.kinds:
        if id in known:
            return known[id]
    if known:
        return next(iter(known.values()))
    if any(word in supervisor.kinds.shown for supervisor in supervisors.values()):
        resource, _, group = word.partition(".")  # it was served once, and its copies are held
        return Kind(group, "", resource, resource)
    raise Rejected(
        f"no API server here serves a kind {word!r}", "kubectl api-resources lists what there is"
    )


def _discoveries(session: HubSession, supervisors: Mapping[str, Supervisor]) -> Iterator[Discovery]:
    yield session.discovery
    for _, supervisor in sorted(supervisors.items()):
        if supervisor.kinds.discovery is not None:
            yield supervisor.kinds.discovery


def _called(discovery: Discovery, word: str) -> Iterator[Kind]:
    """Yield the kinds of that name: kubectl's forms, the exact id before all others."""
    exact = discovery.find(word)
    if exact is not None:
        yield exact
    ids = {id for name, id in discovery.names if name == word}
    for kind in discovery.kinds:
        versioned = ".".join(filter(None, (kind.resource, kind.version, kind.group)))
        names = (kind.resource, kind.kind.lower(), versioned, f"{kind.kind.lower()}.{kind.group}")
        if kind.id in ids or word in names:
            yield kind


def _only(session: HubSession, kind: Kind, name: str) -> ObjectKey:
    """Return the key of the one known object of that name, in whatever namespace it is."""
    watched = session.shared.hub.kinds.get(kind.id)
    keys = watched.informer.keys() if watched is not None else []
    found = [key for key in keys if key.name == name]
    if len(found) != 1:
        several = f"; it may be {', '.join(map(str, found[:5]))}" if found else ""
        raise Rejected(
            f"{kind.id}/{name} lacks its namespace{several}",
            f"write {kind.resource}/NAMESPACE/{name}",
        )
    return found[0]
