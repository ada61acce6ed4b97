"""Pages of the coordinator's admin that look at all apps."""

from cluster_platform.api_key_admin import ApiKeyAdmin
from cluster_platform.bill_delivery_admin import BillDeliveryAdmin
from cluster_platform.delivery_admin import ColumnMappingAdmin, DeliveryAdmin
from cluster_platform.einvoice_admin import EInvoiceAdmin
from cluster_platform.finding_admin import FindingAdmin
from cluster_platform.history_admin import ChangeAdmin
from cluster_platform.market_admin import MarketPriceAdmin
from cluster_platform.onboarding.admin import ApplicationAdmin, ComplaintAdmin
from cluster_platform.onboarding.invitation_admin import InvitationAdmin
from cluster_platform.onboarding.page_admin import ClusterPageAdmin
from cluster_platform.participant_admin import ParticipantAdmin
from cluster_platform.payments.bank_file_admin import BankFileAdmin
from cluster_platform.point_admin import MeteringPointAdmin
from cluster_platform.privacy_admin import ConsentAdmin, ErasureRequestAdmin
from cluster_platform.substitution_admin import SubstitutionAdmin

__all__ = [
    "ApiKeyAdmin",
    "ApplicationAdmin",
    "BankFileAdmin",
    "BillDeliveryAdmin",
    "ChangeAdmin",
    "ClusterPageAdmin",
    "ColumnMappingAdmin",
    "ComplaintAdmin",
    "ConsentAdmin",
    "DeliveryAdmin",
    "EInvoiceAdmin",
    "ErasureRequestAdmin",
    "FindingAdmin",
    "InvitationAdmin",
    "MarketPriceAdmin",
    "MeteringPointAdmin",
    "ParticipantAdmin",
    "SubstitutionAdmin",
]
