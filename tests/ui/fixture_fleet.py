"""The made-up fleet beyond its targets: kinds, drift, dead letters and a forgotten target."""

from __future__ import annotations

from collections.abc import Container

from tmcconsole.contract.commands import DeadLetter, DeadLetters, DriftField, ForgetPlan, KindCount
from tmcconsole.contract.records import KindRecord, KindState
from tmcconsole.contract.text import SafeText as S

NOW = 1_790_000_000.0  # the fixture's present: 2026-09-21 14:13:20 UTC

CLUSTERS = (
    ("ap-southeast-1", "prod"),
    ("eu-central-1", "prod"),
    ("eu-west-1", "prod"),
    ("lab-basement", "dev"),
    ("us-east-1", "prod"),
    ("us-west-2-edge-retail-07", "stage"),
)
KINDS = (
    ("Deployment", "deployments.apps"),
    ("ConfigMap", "configmaps"),
    ("Service", "services"),
    ("Secret", "secrets"),
    ("StatefulSet", "statefulsets.apps"),
    ("Certificate", "certificates.cert-manager.io"),
)
DRIFTS = tuple(
    DriftField(S(target), S(path), S(pointer), S(wanted), S(actual), S(who), outcome, times,
               NOW - 5400, NOW - 45)
    for target, path, pointer, wanted, actual, who, outcome, times in (
        ("eu-west-1", "spec.replicas", "/spec/replicas", "4", "3", "kubectl-edit", "Fight", 7),
        ("eu-west-1", "spec.template.spec.containers[name=web].image",
         "/spec/template/spec/containers/0/image", "registry.example/shop/web:1.42.0",
         "registry.example/shop/web:1.41.7", "rollback-bot", "Asked", 1),
        ("us-east-1", "spec.replicas", "/spec/replicas", "4", "6", "autoscaler", "Reverted", 2),
    )
)  # fmt: skip

DIFF = """--- wanted
+++ actual on eu-west-1
@@ spec.replicas @@
-4
+3
@@ spec.template.spec.containers[0].image @@
-registry.example/shop/web:1.42.0
+registry.example/shop/web:1.41.7
"""

CRASHES = "CrashLoopBackOff: exit 1, 14 times"
WHY = """deployments.apps/shop/web is drifted on eu-west-1

1 placement    every target whose labels match env=prod (Placement shop, OneToMany)
2 queue        last reconciled 20 s ago, not queued now
3 last attempt PATCH 200 in 12 ms, 14:12:58Z
4 drift        spec.replicas: wanted 4, is 3, changed by kubectl-edit at 14:12:31Z
5 next         the hub wins: reverted at the next reconcile; r does it now
"""


def kinds() -> list[KindRecord]:
    """Return each kind on each target: all accepted, but one of each other state on us-east-1."""
    others = (
        (
            KindState.INCOMPATIBLE,
            "FieldAway",
            "us-east-1 does not know spec.issuerRef.group:"
            " install a newer CustomResourceDefinition there",
        ),
        (KindState.UNAUTHORIZED, "VerbsMissing", "patch and delete are not granted: see docs"),
        (KindState.GONE, "KindAway", "us-east-1 does not serve it now; copies are left alone"),
        (KindState.PENDING, "WaitsForDefinition", "the definition is on its way"),
        (KindState.REFUSED, "ClusterScoped", "cluster-scoped kinds are synced only when named"),
    )
    rows = [
        KindRecord(target=S(name), kind=S(resource), state=KindState.ACCEPTED, version=S("v1"),
                   since=NOW - 7900, objects=12)
        for name, _ in CLUSTERS for _, resource in KINDS
    ]  # fmt: skip
    names = ("certificates.cert-manager.io", "statefulsets.apps", "widgets.example.com",
             "gadgets.example.com", "clusterroles.rbac.authorization.k8s.io")  # fmt: skip
    return rows + [
        KindRecord(target=S("us-east-1"), kind=S(kind), state=state, reason=S(reason),
                   message=S(message), since=NOW - 3000, objects=4)
        for kind, (state, reason, message) in zip(names, others, strict=True)
    ]  # fmt: skip


def dead_letters(target: str, retried: Container[str]) -> DeadLetters:
    """Return two dead letters of us-east-1, without those of resources that were retried."""
    items = tuple(
        DeadLetter(S("us-east-1"), S(f"{resource}/payments/billing"),
                   S("admission webhook quota.example denied the request: over quota"),
                   12, NOW - 2400, NOW + 180)
        for resource in ("deployments.apps", "services")
        if target in ("", "us-east-1") and resource not in retried
    )  # fmt: skip
    return DeadLetters(items=items, total=len(items))


def forget_plan(target: str) -> ForgetPlan:
    """Return what forgetting would release, or a refusal for a target that answers."""
    answers = target in {name for name, _ in CLUSTERS} - {"lab-basement"}
    refusal = f"{target} answers: drain it instead, then its copies are removed, too"
    return ForgetPlan(
        target=S(target),
        target_key="k39Lsq3x",
        kinds=(KindCount(S("configmaps"), 13), KindCount(S("deployments.apps"), 1204)),
        refusal=S(refusal if answers else ""),
    )
