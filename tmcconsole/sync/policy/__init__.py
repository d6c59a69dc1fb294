"""The one policy point: what may be written to a target at all, as whom, and why not."""

from __future__ import annotations

from tmcconsole.sync.policy.definitions import FOLLOW, judge_definition
from tmcconsole.sync.policy.kinds import POD_MAKERS, judge_kind, judge_scope
from tmcconsole.sync.policy.metadata import Trimmed
from tmcconsole.sync.policy.objects import ROOT_CA, is_protected
from tmcconsole.sync.policy.permit import Permit, Policy
from tmcconsole.sync.policy.profiles import BASELINE, PROFILES, RESTRICTED, TRUSTED
from tmcconsole.sync.policy.refusal import NotPermitted, Refusal, refuse
from tmcconsole.sync.policy.tenant import Identity, Impersonated, Ourselves, Tenant

__all__ = [
    "BASELINE",
    "FOLLOW",
    "POD_MAKERS",
    "PROFILES",
    "RESTRICTED",
    "ROOT_CA",
    "TRUSTED",
    "Identity",
    "Impersonated",
    "NotPermitted",
    "Ourselves",
    "Permit",
    "Policy",
    "Refusal",
    "Tenant",
    "Trimmed",
    "is_protected",
    "judge_definition",
    "judge_kind",
    "judge_scope",
    "refuse",
]
