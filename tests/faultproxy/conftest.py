"""The bench for all tests of the proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.faultproxy.bench import Bench, Upstream, open_client, serving
from tests.faultproxy.certificates import issue
from tests.faultproxy.proxy import open_proxy


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    upstream = Upstream()
    authority = trustme.CA()
    async with (
        upstream.lines,
        upstream.fed,
        serving(upstream) as url,
        open_proxy(url, trust=True, shown=issue(authority, tmp_path)) as proxy,
        open_client(proxy, authority) as client,
    ):
        yield Bench(upstream, proxy, client, authority, tmp_path)
