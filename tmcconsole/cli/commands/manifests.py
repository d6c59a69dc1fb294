"""``tmc-console manifests``: manifests for an administrator to apply, made from the config."""

from __future__ import annotations

import yaml

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure
from tmcconsole.cli.setting import loaded
from tmcconsole.kube.objects import Json


def rbac(arguments: Arguments) -> int:
    """Print the roles and bindings for one API server, as YAML documents."""
    from tmcconsole.engine.connection.rbac_manifests import manifests

    settings = loaded(arguments).settings
    found = manifests(settings.sync, arguments.side, _subject(arguments))
    print("---\n".join(map(_document, found)), end="")
    return 0


def _document(tree: Json) -> str:
    return str(yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=100))


def _subject(arguments: Arguments) -> Json:
    if arguments.user:
        group = "rbac.authorization.k8s.io"
        return {"apiGroup": group, "kind": "User", "name": arguments.user}
    namespace, slash, name = arguments.account.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise CommandFailure(
            f'--account: "{arguments.account}" is not a service account; write NAMESPACE/NAME'
        )
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
