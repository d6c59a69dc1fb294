"""The flags of each command, and the values they take."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Final

DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")


def output(parser: argparse.ArgumentParser) -> None:
    """The output format."""
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), metavar="table|json", help="output format"
    )


def attach(parser: argparse.ArgumentParser) -> None:
    """Which engine."""
    parser.add_argument("socket", nargs="?", metavar="SOCKET", help="default: the config's")


def demo(parser: argparse.ArgumentParser) -> None:
    """Which scenario, for how long, with or without the console."""
    parser.add_argument("--scenario", metavar="NAME", help="tour or quiet")
    parser.add_argument("--seed", type=_seed, metavar="N", help="seed, to repeat a run exactly")
    parser.add_argument(
        "--headless", action="store_true", help="run without the console; see --for and -o"
    )
    parser.add_argument(
        "--for",
        dest="duration",
        type=_duration,
        metavar="20s",
        help="how long to run, with --headless",
    )
    output(parser)


def sim(parser: argparse.ArgumentParser) -> None:
    """How many clusters."""
    parser.add_argument(
        "--clusters", type=_clusters, metavar="N", help="clusters besides the hub (default 2)"
    )
    parser.add_argument(
        "--dir", dest="directory", metavar="DIR", help="directory for the kubeconfigs"
    )
    # What the demo asks of its child process.
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--scenario", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=_seed, help=argparse.SUPPRESS)
    parser.add_argument("--names", help=argparse.SUPPRESS)


def init(parser: argparse.ArgumentParser) -> None:
    """The clusters to write to the config."""
    parser.add_argument(
        "--hub", required=True, metavar="FILE[#CONTEXT]", help="kubeconfig of the hub"
    )
    parser.add_argument(
        "--target",
        required=True,
        action="append",
        metavar="NAME=FILE[#CONTEXT]",
        help="a cluster to sync to; repeat the flag for each",
    )
    parser.add_argument("--install", action="store_true", help="also apply CRDs and SyncTargets")
    parser.add_argument("--force", action="store_true", help="replace an existing config")


def drain(parser: argparse.ArgumentParser) -> None:
    """The target, whether to carry out the drain, and whether to lose what cannot move."""
    parser.add_argument("name", metavar="NAME", help="a SyncTarget")
    parser.add_argument(
        "--force", action="store_true", help="also remove what no other target can take"
    )
    parser.add_argument(
        "--confirm",
        metavar="TEXT",
        help="do it: the target's name, with --force what is lost, as the plan writes it; "
        "without this flag, only tell the plan",
    )
    output(parser)


def forget(parser: argparse.ArgumentParser) -> None:
    """Which target, and whether to do it."""
    parser.add_argument("name", metavar="NAME", help="a SyncTarget, or the key of a deleted one")
    parser.add_argument(
        "--confirm", metavar="NAME", help="do it; without this flag, only show what it would do"
    )
    output(parser)


def why(parser: argparse.ArgumentParser) -> None:
    """Which object."""
    parser.add_argument(
        "key", nargs="?", metavar="KEY", help="as deploy/shop/web, or deploy/shop/web@TARGET"
    )
    parser.add_argument("--at", metavar="TARGET", help="only this target (without KEY)")
    output(parser)


def letters(parser: argparse.ArgumentParser) -> None:
    """Which of them, and whether to retry."""
    parser.add_argument("key", nargs="?", metavar="KEY", help="one dead letter, as listed")
    parser.add_argument("--at", metavar="TARGET", help="only this target, or hub")
    parser.add_argument("--retry", action="store_true", help="retry them now")
    output(parser)


def _drift_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "key", nargs="?", metavar="KEY", help=f"{_KEY}; default: all that differ now"
    )
    parser.add_argument("--at", metavar="TARGET", help="only this target")
    output(parser)


def _drift_order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument(
        "--at", required=True, metavar="TARGET", help="the target whose copy is meant"
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--field", metavar="FIELD", help=_FIELD)
    which.add_argument(
        "--all", dest="whole", action="store_true", help="every field that differs there"
    )


def _drift_cede(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument("--field", required=True, metavar="FIELD", help=_FIELD)


_KEY: Final = "an object, e.g. deployments.apps/shop/web"
_FIELD: Final = "a field as listed, or a JSON pointer such as /spec/replicas"
DRIFT_VERBS: Final[dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "list": ("list who changed what, and the outcome", _drift_list),
    "adopt": ("write a target's values to the hub, which syncs them to all targets", _drift_order),
    "revert": ("overwrite the change once, whatever the policy", _drift_order),
    "cede": ("stop managing a field, on all targets", _drift_cede),
}


def transform(parser: argparse.ArgumentParser) -> None:
    """Which manifests, for which targets."""
    parser.add_argument(
        "--dry-run", required=True, metavar="FILE", help="YAML file of manifests; - for stdin"
    )
    parser.add_argument(
        "--target", required=True, action="append", metavar="NAME", help="a target of the config"
    )


def _duration(written: str) -> float:
    match = DURATION.fullmatch(written)
    if not match:
        raise argparse.ArgumentTypeError(f'"{written}" is not a duration; write "20s" or "5m"')
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2] or "s"]


def _seed(written: str) -> int:
    if not re.fullmatch(r"\d{1,18}", written):
        raise argparse.ArgumentTypeError(f'"{written}" is not a seed; write a whole number')
    return int(written)


def _clusters(written: str) -> int:
    if not re.fullmatch(r"\d{1,2}", written) or not 1 <= int(written) <= 32:
        raise argparse.ArgumentTypeError(f'"{written}" is not a number of clusters; write 1 to 32')
    return int(written)


def rbac(parser: argparse.ArgumentParser) -> None:
    """For which account and API server."""
    parser.add_argument(
        "--side",
        required=True,
        choices=("hub", "target"),
        help="which API server the manifest is for",
    )
    parser.add_argument(
        "--account",
        metavar="NAMESPACE/NAME",
        help="the service account to bind (default tmc-console/tmc-console)",
    )
    parser.add_argument(
        "--user", metavar="NAME", help="a user to bind instead of a service account"
    )
