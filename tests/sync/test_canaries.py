"""Canaries: secrets in every form and place, none of which may appear in any output."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from typing import Any

import orjson
import pytest

from tests.kube.secret_forms import canary, forms
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    SECRETS,
    World,
    make_configmap,
    make_deployment,
    open_world,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import ShowCopy, ShowDiff, ShowDrift, ShowObject, Why
from tmcconsole.daemon.logs import logging_to
from tmcconsole.kube.errors import error_from
from tmcconsole.kube.secret import CredentialsError
from tmcconsole.placement.api import PLACEMENTS, SYNC_TARGETS
from tmcconsole.runtime import Response
from tmcconsole.tmc.classify import classify

CANARY = re.compile(r"c4naRy\d+Q")
ENCODED = "YzRuYVJ5"  # how a canary begins in base64
KEYS = ("configmaps/shop/settings", "deployments.apps/shop/web", "secrets/shop/key")


def found_in(text: str) -> set[str]:
    return {*CANARY.findall(text), *re.findall(ENCODED, text)}


async def fill(world: World) -> None:
    """Put secrets into every text field that objects have."""
    await place_everywhere(world)
    text = "\n".join(forms())
    await world.hub.apply(
        CONFIGMAPS, make_configmap(text=text, **{"db.password": canary(500), "token": canary(501)})
    )
    secret = {"metadata": {"name": "key", "namespace": "shop"}, "type": "Opaque"}
    pin = b64encode(canary(502).encode()).decode()
    await world.hub.apply(SECRETS, {**secret, "data": {"pin": pin}})
    tree = make_deployment()
    tree["metadata"]["annotations"] = {"example.com/note": text, "example.com/token": canary(503)}
    container = tree["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "DB_PASSWORD", "value": canary(504)}]
    container["env"] += [{"name": f"V{n}", "value": form} for n, form in enumerate(forms(100))]
    container["args"] = [*forms(200), "--password", canary(505), "-v"]
    container["command"] = ["sh", "-c", "\n".join(forms(300))]
    await world.hub.apply(DEPLOYMENTS, tree)
    await world.on("east", DEPLOYMENTS, "shop", "web")
    await world.settle()


async def meddle(world: World) -> None:
    """Change copies and their status to other secrets, and break a transform on the Secret."""
    east = world.clusters["east"]
    data = {"text": "\n".join(forms(400)), "db.password": canary(510)}
    await east.patch(CONFIGMAPS, "shop", "settings", {"data": data})
    failing = {
        "name": "broken",
        "kinds": ["secrets"],
        "patch": [{"op": "test", "path": "/data/pin", "value": canary(520)}],
    }
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"transforms": [failing]}})
    await world.settle()


async def all_told(world: World) -> str:
    """Return all that the engine outputs: records, answers, audit, and what it wrote to the hub."""
    told: list[Any] = [(await world.engine.changes(NOTHING_SEEN)).upserted]
    for key in KEYS:
        told += [await world.engine.request(query) for query in (Why(key=key), ShowDrift(key=key))]
        for target in ("", "east"):
            told.append(await world.engine.request(ShowObject(key=key, target=target)))
        told.append(await world.engine.request(ShowDiff(key=key, target="east")))
        told.append(await world.engine.request(ShowCopy(key=key, target="east")))
    told += [line.decode() for line in world.audit.lines]
    told.append(await world.hub.get(SYNC_TARGETS, "", "east"))
    return "".join(str(one) for one in told)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_no_secret_in_any_form_and_place_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with open_world(("east",)) as world:
        await fill(world)
        before = await all_told(world)
        await meddle(world)
        after = await all_told(world)

    assert "TransformFailed" in after
    assert "another value is there" in after
    assert "example.com/note" in before
    assert found_in(before + after + caplog.text) == set()


def test_no_secret_that_a_server_quotes_is_told() -> None:
    quoted = [{"reason": "FieldValueInvalid", "field": "data", "message": one} for one in forms()]
    said = {"kind": "Status", "message": "\n".join(forms(100)), "details": {"causes": quoted}}
    error = error_from(Response(422, {"content-type": "application/json"}, orjson.dumps(said)))

    page = error_from(Response(502, {"content-type": "text/html"}, "\n".join(forms()[:6]).encode()))

    told = f"{error} {error!r} {error.__dict__} {page} {page!r}"
    told += repr([classify(one, side="hub") for one in (error, page, ValueError(*forms()))])
    told += "".join(str(CredentialsError(one)) for one in forms())
    assert found_in(told) == set()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_logged(log_format: str) -> None:
    out = io.StringIO()

    with logging_to(out, level="info", log_format=log_format) as log:
        for form in forms():
            log.info("said %s", form, extra={"fields": {"why": form}})
            log.warning("failed", exc_info=ValueError(form))

    assert out.getvalue().count("said") == len(forms())
    assert found_in(out.getvalue()) == set()
