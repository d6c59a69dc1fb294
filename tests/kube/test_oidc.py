"""Tokens of an OpenID provider: refreshed over verified TLS, and saved when they are replaced."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
import trustme
import yaml
from aiohttp import web

from tests.kube.serving import (
    Served,
    json_answer,
    server_context,
    serving,
    write_authority,
    write_kubeconfig,
)
from tests.kube.test_credentials import Clocks
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import CredentialsError, Endpoint, open_endpoint


def jwt(expires: float, name: str = "jane") -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'exp': expires, 'sub': name + '?>~'})}.c2ln"


def make_user(issuer: str, **more: str) -> dict[str, Any]:
    config = {"idp-issuer-url": issuer, "client-id": "kubectl", **more}
    return {"auth-provider": {"name": "oidc", "config": config}}


def provider(served: list[Served], **answer: Any) -> Any:
    async def handle(request: web.BaseRequest) -> web.Response:
        if "well-known" in request.path:
            return json_answer({"token_endpoint": f"{served[0].url}/token"})
        return json_answer(answer, 400 if "error" in answer else 200)

    return handle


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def endpoint_of(path: Path, clocks: Clocks) -> Endpoint:
    return await open_endpoint(ClusterAccess(path), now=clocks, wall=clocks)


async def test_a_living_token_is_used_as_it_is(tmp_path: Path) -> None:
    clocks = Clocks()
    token = jwt(clocks.seconds + 60)
    user = make_user("https://nobody.invalid", **{"id-token": token})
    endpoint = await endpoint_of(write_kubeconfig(tmp_path, "https://a", user=user), clocks)

    header = await endpoint.tokens.header()

    assert header is not None
    assert header.reveal() == f"Bearer {token}"


async def test_an_expired_token_is_refreshed_and_a_replaced_refresh_token_is_saved(
    tmp_path: Path,
) -> None:
    clocks, there = Clocks(), list[Served]()
    fresh = jwt(clocks.seconds + 3600)
    authority = trustme.CA()
    write_authority(tmp_path, authority, "idp.crt")
    answer = provider(there, id_token=fresh, refresh_token="second")
    context = server_context(authority.issue_cert("127.0.0.1"))
    async with serving(answer, context) as served:
        there.append(served)
        user = make_user(
            served.url,
            **{
                "id-token": jwt(clocks.seconds + 5),
                "refresh-token": "first",
                "client-secret": "hush",
                "idp-certificate-authority": "idp.crt",
            },
        )
        path = write_kubeconfig(tmp_path, "https://a", user=user)
        endpoint = await endpoint_of(path, clocks)
        header = await endpoint.tokens.header()
        again = await endpoint.tokens.header()

    assert header is not None
    assert header == again
    assert header.reveal() == f"Bearer {fresh}"
    form = parse_qs(served.bodies[1].decode())
    assert form["refresh_token"] == ["first"]
    assert form["client_secret"] == ["hush"]
    assert len(served.asked) == 2
    config = yaml.safe_load(path.read_text())["users"][0]["user"]["auth-provider"]["config"]
    assert (config["id-token"], config["refresh-token"]) == (fresh, "second")
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == {"config", "idp.crt"}


async def test_a_provider_with_an_unknown_certificate_gets_no_refresh_token(
    tmp_path: Path,
) -> None:
    clocks, there = Clocks(), list[Served]()
    context = server_context(trustme.CA().issue_cert("127.0.0.1"))
    async with serving(provider(there, id_token="x"), context) as served:
        there.append(served)
        user = make_user(served.url, **{"refresh-token": "first"})
        endpoint = await endpoint_of(write_kubeconfig(tmp_path, "https://a", user=user), clocks)
        with pytest.raises(CredentialsError, match="certificate") as caught:
            await endpoint.tokens.header()

    assert served.asked == []
    assert "first" not in str(caught.value)


async def test_a_refused_refresh_says_to_log_in_again(tmp_path: Path) -> None:
    clocks, there = Clocks(), list[Served]()
    answer = provider(there, error="invalid_grant", error_description="session ended")
    async with serving(answer) as served:
        there.append(served)
        user = make_user(served.url, **{"refresh-token": "first"})
        endpoint = await endpoint_of(write_kubeconfig(tmp_path, "https://a", user=user), clocks)
        with pytest.raises(CredentialsError, match=r"session ended\); log in again"):
            await endpoint.tokens.header()


async def test_an_expired_token_without_a_refresh_token_says_to_log_in_again(
    tmp_path: Path,
) -> None:
    clocks = Clocks()
    user = make_user("https://idp.invalid", **{"id-token": jwt(clocks.seconds - 1)})
    endpoint = await endpoint_of(write_kubeconfig(tmp_path, "https://a", user=user), clocks)

    with pytest.raises(CredentialsError, match="log in again"):
        await endpoint.tokens.header()


async def test_a_provider_in_the_clear_is_refused(tmp_path: Path) -> None:
    user = make_user("http://idp.example", **{"refresh-token": "first"})
    path = write_kubeconfig(tmp_path, "https://a", user=user)

    with pytest.raises(CredentialsError, match="not https"):
        await endpoint_of(path, Clocks())
