"""Kubernetes' protobuf bodies, decoded for the kinds that kubectl's imperative commands send.

What a table here does not know is refused, never dropped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.status_errors import StatusError, bad_request, unsupported_media_type

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"

# Message: number name type ...   Types: s string, i int, b bool, x bytes, Q quantity, P int or
# string, - ignored (the server's own), else a message. An upper case I or B is optional in Go:
# 0 and false are then said, not just unset. [] = repeated, {} = map with string keys. A field
# named = lays its message's fields among its own.
_TABLE: Final = """
ObjectMeta: 1 name s 2 generateName s 3 namespace s 4 selfLink - 5 uid s 6 resourceVersion s \
7 generation - 8 creationTimestamp - 9 deletionTimestamp - 10 deletionGracePeriodSeconds - \
11 labels {}s 12 annotations {}s 13 ownerReferences []OwnerReference 14 finalizers []s 17 m -
OwnerReference: 1 kind s 3 name s 4 uid s 5 apiVersion s 6 controller B 7 blockOwnerDeletion B
LabelSelector: 1 matchLabels {}s 2 matchExpressions []LabelSelectorRequirement
LabelSelectorRequirement: 1 key s 2 operator s 3 values []s
Namespace: 1 metadata ObjectMeta 2 spec - 3 status -
ConfigMap: 1 metadata ObjectMeta 2 data {}s 3 binaryData {}x 4 immutable B
Secret: 1 metadata ObjectMeta 2 data {}x 3 type s 4 stringData {}s 5 immutable B
ServiceAccount: 1 metadata ObjectMeta 3 imagePullSecrets []LocalObjectReference
LocalObjectReference: 1 name s
Service: 1 metadata ObjectMeta 2 spec ServiceSpec 3 status -
ServiceSpec: 1 ports []ServicePort 2 selector {}s 3 clusterIP s 4 type s 7 sessionAffinity s \
10 externalName s 18 clusterIPs []s 8 loadBalancerIP s 11 externalTrafficPolicy s \
12 healthCheckNodePort i 13 publishNotReadyAddresses b
ServicePort: 1 name s 2 protocol s 3 port i 4 targetPort P 5 nodePort i
Deployment: 1 metadata ObjectMeta 2 spec DeploymentSpec 3 status -
DeploymentSpec: 1 replicas I 2 selector LabelSelector 3 template PodTemplateSpec \
4 strategy DeploymentStrategy 5 minReadySeconds i 6 revisionHistoryLimit I 7 paused b \
9 progressDeadlineSeconds I
DeploymentStrategy: 1 type s 2 rollingUpdate RollingUpdateDeployment
RollingUpdateDeployment: 1 maxUnavailable P 2 maxSurge P
PodTemplateSpec: 1 metadata ObjectMeta 2 spec PodSpec
PodSpec: 2 containers []Container 3 restartPolicy s 4 terminationGracePeriodSeconds I \
6 dnsPolicy s 7 nodeSelector {}s 8 serviceAccountName s 9 serviceAccount s 10 nodeName s \
11 hostNetwork b 12 hostPID b 13 hostIPC b 16 hostname s 17 subdomain s 19 schedulerName s \
20 initContainers []Container 24 priorityClassName s
Container: 1 name s 2 image s 3 command []s 4 args []s 5 workingDir s 6 ports []ContainerPort \
7 env []EnvVar 8 resources ResourceRequirements 13 terminationMessagePath s 14 imagePullPolicy s \
16 stdin b 17 stdinOnce b 18 tty b 20 terminationMessagePolicy s
ContainerPort: 1 name s 2 hostPort i 3 containerPort i 4 protocol s 5 hostIP s
EnvVar: 1 name s 2 value s
ResourceRequirements: 1 limits {}Q 2 requests {}Q
Pod: 1 metadata ObjectMeta 2 spec PodSpec 3 status -
Job: 1 metadata ObjectMeta 2 spec JobSpec 3 status -
JobSpec: 1 parallelism I 2 completions I 3 activeDeadlineSeconds I 4 selector LabelSelector \
6 template PodTemplateSpec 7 backoffLimit I 8 ttlSecondsAfterFinished I
CronJob: 1 metadata ObjectMeta 2 spec CronJobSpec 3 status -
CronJobSpec: 1 schedule s 3 concurrencyPolicy s 4 suspend B 5 jobTemplate JobTemplateSpec
JobTemplateSpec: 1 metadata ObjectMeta 2 spec JobSpec
ResourceQuota: 1 metadata ObjectMeta 2 spec ResourceQuotaSpec 3 status -
ResourceQuotaSpec: 1 hard {}Q 2 scopes []s
PodDisruptionBudget: 1 metadata ObjectMeta 2 spec PodDisruptionBudgetSpec 3 status -
PodDisruptionBudgetSpec: 1 minAvailable P 2 selector LabelSelector 3 maxUnavailable P
Ingress: 1 metadata ObjectMeta 2 spec IngressSpec 3 status -
IngressSpec: 1 defaultBackend IngressBackend 2 tls []IngressTLS 3 rules []IngressRule \
4 ingressClassName s
IngressTLS: 1 hosts []s 2 secretName s
IngressRule: 1 host s 2 = IngressRuleValue
IngressRuleValue: 1 http HTTPIngressRuleValue
HTTPIngressRuleValue: 1 paths []HTTPIngressPath
HTTPIngressPath: 1 path s 2 backend IngressBackend 3 pathType s
IngressBackend: 3 resource TypedLocalObjectReference 4 service IngressServiceBackend
IngressServiceBackend: 1 name s 2 port ServiceBackendPort
ServiceBackendPort: 1 name s 2 number i
TypedLocalObjectReference: 1 apiGroup s 2 kind s 3 name s
Role: 1 metadata ObjectMeta 2 rules []PolicyRule
ClusterRole: 1 metadata ObjectMeta 2 rules []PolicyRule 3 aggregationRule AggregationRule
AggregationRule: 1 clusterRoleSelectors []LabelSelector
PolicyRule: 1 verbs []s 2 apiGroups []s 3 resources []s 4 resourceNames []s 5 nonResourceURLs []s
RoleBinding: 1 metadata ObjectMeta 2 subjects []Subject 3 roleRef RoleRef
ClusterRoleBinding: 1 metadata ObjectMeta 2 subjects []Subject 3 roleRef RoleRef
Subject: 1 kind s 2 apiGroup s 3 name s 4 namespace s
RoleRef: 1 apiGroup s 2 kind s 3 name s
PriorityClass: 1 metadata ObjectMeta 2 value i 3 globalDefault b 4 description s \
5 preemptionPolicy s
HorizontalPodAutoscaler: 1 metadata ObjectMeta 2 spec HorizontalPodAutoscalerSpec 3 status -
HorizontalPodAutoscalerSpec: 1 scaleTargetRef CrossVersionObjectReference 2 minReplicas I \
3 maxReplicas i 4 metrics []MetricSpec
CrossVersionObjectReference: 1 kind s 2 name s 3 apiVersion s
MetricSpec: 1 type s 4 resource ResourceMetricSource
ResourceMetricSource: 1 name s 2 target MetricTarget
MetricTarget: 1 type s 2 value Q 3 averageValue Q 4 averageUtilization I
SelfSubjectReview: 1 metadata ObjectMeta 2 status -
SelfSubjectAccessReview: 1 metadata ObjectMeta 2 spec SelfSubjectAccessReviewSpec 3 status -
SelfSubjectAccessReviewSpec: 1 resourceAttributes ResourceAttributes \
2 nonResourceAttributes NonResourceAttributes
ResourceAttributes: 1 namespace s 2 verb s 3 group s 4 version s 5 resource s 6 subresource s \
7 name s
NonResourceAttributes: 1 path s 2 verb s
SelfSubjectRulesReview: 1 metadata ObjectMeta 2 spec SelfSubjectRulesReviewSpec 3 status -
SelfSubjectRulesReviewSpec: 1 namespace s
Eviction: 1 metadata ObjectMeta 2 deleteOptions DeleteOptions
DeleteOptions: 1 gracePeriodSeconds I 2 preconditions Preconditions 3 orphanDependents B \
4 propagationPolicy s 5 dryRun []s
Preconditions: 1 uid s 2 resourceVersion s
Unknown: 1 typeMeta TypeMeta 2 raw x 3 contentEncoding s 4 contentType s
TypeMeta: 1 apiVersion s 2 kind s
Quantity: 1 string s
IntOrString: 1 type i 2 intVal i 3 strVal s
"""


def _parse(table: str) -> dict[str, dict[int, tuple[str, str]]]:
    messages = {}
    for line in table.strip().splitlines():
        message, _, rest = line.partition(":")
        words = rest.split()
        fields = zip(words[::3], words[1::3], words[2::3], strict=True)
        messages[message] = {int(number): (name, kind) for number, name, kind in fields}
    return messages


_MESSAGES: Final = _parse(_TABLE)


def decode(body: bytes) -> Json:
    """Return the object in a protobuf body. Raises Failure 400 or 415."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body is not Kubernetes protobuf: its first bytes are not k8s")
    try:
        envelope = _message(body[len(_MAGIC) :], "Unknown")
        head = envelope.get("typeMeta") or {}
        kind = head.get("kind", "")
        if kind not in _MESSAGES:
            raise _refused(f"a {kind} in protobuf")
        return {**head, **_message(base64.b64decode(envelope.get("raw", "")), kind)}
    except (IndexError, UnicodeDecodeError) as error:
        raise bad_request(f"the protobuf body is malformed: {error}") from error


def _message(data: bytes, message: str) -> Json:
    fields = _MESSAGES[message]
    tree: Json = {}
    for number, value in _entries(data):
        if number not in fields:
            if value in (0, b""):
                continue
            raise _refused(f"field {number} of {message}")
        name, kind = fields[number]
        _put(tree, name, kind, value)
    return tree


def _put(tree: Json, name: str, kind: str, value: int | bytes) -> None:
    if kind == "-":
        return
    if name == "=":
        tree.update(_value(kind, value))
        return
    if kind.startswith("[]"):
        tree.setdefault(name, []).append(_value(kind[2:], value))
    elif kind.startswith("{}"):
        assert isinstance(value, bytes)
        pair = dict(_entries(value))
        key = _value("s", pair.get(1, b""))
        tree.setdefault(name, {})[key] = _value(kind[2:], pair.get(2, b""))
    else:
        found = _value(kind, value)
        # Go writes empty strings, zeros and empty structs of required fields; JSON leaves them out.
        if kind in ("I", "B") or found not in ("", 0, False, None, {}):
            tree[name] = found


def _value(kind: str, value: int | bytes) -> Any:
    if isinstance(value, int):
        return bool(value) if kind in ("b", "B") else _signed(value)
    match kind:
        case "s":
            return value.decode()
        case "x":
            return base64.b64encode(value).decode()
        case "Q":
            return _message(value, "Quantity").get("string", "0")
        case "P":
            found = _message(value, "IntOrString")
            return found.get("strVal", "") if found.get("type") else found.get("intVal", 0)
        case _:
            return _message(value, kind)


def _entries(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield field numbers with their values: integers, or the bytes of what has a length."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield number, value
        elif wire == 2:
            size, place = _varint(data, place)
            if place + size > len(data):
                raise IndexError("a field is longer than the body")
            yield number, data[place : place + size]
            place += size
        else:
            raise bad_request(f"the protobuf body is malformed: wire type {wire}")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _refused(what: str) -> StatusError:
    return unsupported_media_type(
        f"this server does not read {what}: use `kubectl create -f FILE` or `kubectl apply -f"
        " FILE`, e.g. add `--dry-run=client -o yaml | kubectl create -f -`"
    )
