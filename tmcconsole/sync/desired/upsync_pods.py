"""Labels in pod templates, so that the pods of a synced workload are shown in the hub. Pure."""

from __future__ import annotations

from tmcconsole.kube.objects import Json
from tmcconsole.sync.names.markers import CLUSTER, STATE, UPSYNC


def mark_template(tree: Json, key: str) -> None:
    """Give the pods that target ``key`` will create the labels that upsync them."""
    spec = tree.get("spec")
    if not isinstance(spec, dict):
        return
    job = spec.get("jobTemplate")
    if isinstance(job, dict):
        mark_template(job, key)
    template = spec.get("template")
    if isinstance(template, dict):
        metadata = template.get("metadata") or {}
        labels = {**(metadata.get("labels") or {}), STATE + key: UPSYNC, CLUSTER: key}
        template["metadata"] = {**metadata, "labels": labels}
