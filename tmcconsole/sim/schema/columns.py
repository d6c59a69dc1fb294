"""The table columns of the built-in kinds, as in kube-apiserver."""

from __future__ import annotations

from typing import Final

from tmcconsole.sim.storage.kinds import PrinterColumn

# kind: columns. ``:type`` unless it is string, ``+`` for wide tables only.
_TABLE: Final = """
configmaps: Name, Data, Age
endpoints: Name, Endpoints, Age
events: Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+
namespaces: Name, Status, Age
nodes: Name, Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, \
Kernel-Version+, Container-Runtime+
persistentvolumeclaims: Name, Status, Volume, Capacity, Access Modes, StorageClass, \
VolumeAttributesClass, Age, VolumeMode+
persistentvolumes: Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, \
VolumeAttributesClass, Reason, Age, VolumeMode+
pods: Name, Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+
podtemplates: Name, Containers, Images, Pod Labels
replicationcontrollers: Name, Desired:integer, Current:integer, Ready:integer, Age, \
Containers+, Images+, Selector+
resourcequotas: Name, Request, Limit, Age
secrets: Name, Type, Data, Age
serviceaccounts: Name, Age
services: Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector+
controllerrevisions.apps: Name, Controller, Revision, Age
daemonsets.apps: Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, \
Available:integer, Node Selector, Age, Containers+, Images+, Selector+
deployments.apps: Name, Ready, Up-to-date, Available, Age, Containers+, Images+, Selector+
replicasets.apps: Name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, \
Images+, Selector+
statefulsets.apps: Name, Ready, Age, Containers+, Images+
cronjobs.batch: Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, \
Containers+, Images+, Selector+
jobs.batch: Name, Status, Completions, Duration, Age, Containers+, Images+, Selector+
horizontalpodautoscalers.autoscaling: Name, Reference, Targets, MinPods, MaxPods, Replicas, Age
ingresses.networking.k8s.io: Name, Class, Hosts, Address, Ports, Age
ingressclasses.networking.k8s.io: Name, Controller, Parameters, Age
networkpolicies.networking.k8s.io: Name, Pod-Selector, Age
poddisruptionbudgets.policy: Name, Min Available, Max Unavailable, \
Allowed Disruptions:integer, Age
leases.coordination.k8s.io: Name, Holder, Age
endpointslices.discovery.k8s.io: Name, AddressType, Ports, Endpoints, Age
events.events.k8s.io: Last Seen, Type, Reason, Object, Subobject+, Source+, Message, \
First Seen+, Count+, Name+
clusterrolebindings.rbac.authorization.k8s.io: Name, Role, Age, Users+, Groups+, ServiceAccounts+
rolebindings.rbac.authorization.k8s.io: Name, Role, Age, Users+, Groups+, ServiceAccounts+
storageclasses.storage.k8s.io: Name, Provisioner, ReclaimPolicy, VolumeBindingMode, \
AllowVolumeExpansion, Age
priorityclasses.scheduling.k8s.io: Name, Value:integer, Global-Default:boolean, Age, \
PreemptionPolicy
runtimeclasses.node.k8s.io: Name, Handler, Age
certificatesigningrequests.certificates.k8s.io: Name, Age, SignerName, Requestor, \
RequestedDuration, Condition
mutatingwebhookconfigurations.admissionregistration.k8s.io: Name, Webhooks:integer, Age
validatingwebhookconfigurations.admissionregistration.k8s.io: Name, Webhooks:integer, Age
apiservices.apiregistration.k8s.io: Name, Service, Available, Age
"""


def _parse(text: str) -> PrinterColumn:
    name, _, kind = text.strip().rstrip("+").partition(":")
    form = "name" if name == "Name" else ""
    return PrinterColumn(name, kind or "string", priority=int(text.endswith("+")), format=form)


def _parse_line(line: str) -> tuple[str, tuple[PrinterColumn, ...]]:
    kind_id, _, columns = line.partition(": ")
    return kind_id, tuple(_parse(text) for text in columns.split(", "))


NAME: Final = PrinterColumn("Name", format="name")
CREATED: Final = PrinterColumn("Created At", "date", ".metadata.creationTimestamp")
AGE: Final = PrinterColumn("Age", "date", ".metadata.creationTimestamp")
BUILT_IN: Final = dict(_parse_line(line) for line in _TABLE.strip().splitlines())
