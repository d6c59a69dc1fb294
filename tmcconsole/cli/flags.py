"""The flags of each command, and the values they take."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Final

DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")


def output(parser: argparse.ArgumentParser) -> None:
    """How to print."""
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), metavar="table|json", help="how to print"
    )


def attach(parser: argparse.ArgumentParser) -> None:
    """Which engine."""
    parser.add_argument("socket", nargs="?", metavar="SOCKET", help="if not the config's")


def demo(parser: argparse.ArgumentParser) -> None:
    """Which story, how long, on which screen."""
    parser.add_argument("--scenario", metavar="NAME", help="tour or quiet")
    parser.add_argument("--seed", type=_seed, metavar="N", help="repeat a run exactly")
    parser.add_argument("--headless", action="store_true", help="no screen; see --for and -o")
    parser.add_argument(
        "--for", dest="duration", type=_duration, metavar="20s", help="headless: how long to run"
    )
    output(parser)


def sim(parser: argparse.ArgumentParser) -> None:
    """How many clusters."""
    parser.add_argument("--clusters", type=_clusters, metavar="N", help="besides the hub (2)")
    parser.add_argument("--dir", dest="directory", metavar="DIR", help="for its kubeconfigs")
    # What the demo asks of its child process.
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--scenario", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=_seed, help=argparse.SUPPRESS)
    parser.add_argument("--names", help=argparse.SUPPRESS)


def init(parser: argparse.ArgumentParser) -> None:
    """The clusters to write down."""
    parser.add_argument("--hub", required=True, metavar="FILE[#CONTEXT]", help="its kubeconfig")
    parser.add_argument(
        "--target",
        required=True,
        action="append",
        metavar="NAME=FILE[#CONTEXT]",
        help="a cluster to sync to; repeat the flag for each",
    )
    parser.add_argument("--install", action="store_true", help="also apply CRDs and SyncTargets")
    parser.add_argument("--force", action="store_true", help="replace an existing config")


def forget(parser: argparse.ArgumentParser) -> None:
    """Which target."""
    parser.add_argument("name", metavar="NAME", help="the SyncTarget, or the key of one gone")
    parser.add_argument("--confirm", metavar="NAME", help="do it; without, only tell what it does")
    output(parser)


def why(parser: argparse.ArgumentParser) -> None:
    """Which object."""
    parser.add_argument("key", nargs="?", metavar="KEY", help="an object, as deploy/shop/web")
    parser.add_argument("--at", metavar="TARGET", help="without KEY: on one target")


def letters(parser: argparse.ArgumentParser) -> None:
    """Which of them."""
    parser.add_argument("key", nargs="?", metavar="KEY", help="one of them, as it is listed")
    parser.add_argument("--at", metavar="TARGET", help="of one target, or of hub")
    parser.add_argument("--retry", action="store_true", help="try them again now")
    output(parser)


def _drift_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", nargs="?", metavar="KEY", help=f"{_KEY}; else all that differ now")
    parser.add_argument("--at", metavar="TARGET", help="on one target")
    output(parser)


def _drift_order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument("--at", required=True, metavar="TARGET", help="whose copy")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--field", metavar="FIELD", help=_FIELD)
    which.add_argument("--all", dest="whole", action="store_true", help="all that differs there")


def _drift_cede(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument("--field", required=True, metavar="FIELD", help=_FIELD)


_KEY: Final = "the object, as deployments.apps/shop/web"
_FIELD: Final = "as it is listed, or as /spec/replicas"
DRIFT_VERBS: Final[dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "list": ("who changed what, and what came of it", _drift_list),
    "adopt": ("write what a target has to the hub, which sends it everywhere", _drift_order),
    "revert": ("take it back once, whatever the policy", _drift_order),
    "cede": ("leave a field to the clusters, on all targets", _drift_cede),
}


def transform(parser: argparse.ArgumentParser) -> None:
    """Which manifests, for which target."""
    parser.add_argument(
        "--dry-run", required=True, metavar="FILE", help="manifests as YAML; - is stdin"
    )
    parser.add_argument(
        "--target", required=True, action="append", metavar="NAME", help="one of the config's"
    )


def _duration(written: str) -> float:
    match = DURATION.fullmatch(written)
    if not match:
        raise argparse.ArgumentTypeError(f'"{written}" is no duration; write "20s" or "5m"')
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2] or "s"]


def _seed(written: str) -> int:
    if not re.fullmatch(r"\d{1,18}", written):
        raise argparse.ArgumentTypeError(f'"{written}" is no seed; write a whole number')
    return int(written)


def _clusters(written: str) -> int:
    if not re.fullmatch(r"\d{1,2}", written) or not 1 <= int(written) <= 32:
        raise argparse.ArgumentTypeError(f'"{written}" is no number of clusters; write 1 to 32')
    return int(written)


def rbac(parser: argparse.ArgumentParser) -> None:
    """What an account may need on one side."""
    parser.add_argument(
        "--side", required=True, choices=("hub", "target"), help="whose API server it is for"
    )
    parser.add_argument(
        "--account", metavar="NAMESPACE/NAME", help="a service account (tmc-console/tmc-console)"
    )
    parser.add_argument("--user", metavar="NAME", help="a user, in place of a service account")
