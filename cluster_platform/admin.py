"""Pages of the coordinator's admin that look at all apps."""

from cluster_platform.history_admin import ChangeAdmin
from cluster_platform.onboarding.admin import ApplicationAdmin, ComplaintAdmin
from cluster_platform.onboarding.invitation_admin import InvitationAdmin
from cluster_platform.onboarding.page_admin import ClusterPageAdmin
from cluster_platform.participant_admin import ParticipantAdmin
from cluster_platform.privacy_admin import ConsentAdmin, ErasureRequestAdmin

__all__ = [
    "ApplicationAdmin",
    "ChangeAdmin",
    "ClusterPageAdmin",
    "ComplaintAdmin",
    "ConsentAdmin",
    "ErasureRequestAdmin",
    "InvitationAdmin",
    "ParticipantAdmin",
]
