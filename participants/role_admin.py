"""Who may do what in the cluster, in the coordinator's admin."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from participants.models import Membership, RoleInvitation
from participants.role_mail import send_role_invitation
from participants.services.role_invitations import invite
from participants.tenancy.admin import TenantAdmin, TenantForm, request_may

COORDINATOR_LEVELS = [("full", _("administrator")), ("accounts", _("accountant")), ("read", _("read only"))]


class CoordinatorLevelForm(TenantForm):
    """Offers the levels that the coordinator's people have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "level" in self.fields:
            self.fields["level"].choices = COORDINATOR_LEVELS  # type: ignore[attr-defined]


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """Whom the participants let in is theirs: shown. The coordinator's people are changed here."""

    change_action = "manage_roles"
    form = CoordinatorLevelForm
    list_display = ("user", "role", "level", "participant")
    list_filter = ("role", "level")
    search_fields = ("user__email", "participant__code", "participant__name")
    list_select_related = ("user", "participant")
    readonly_fields = ("user", "role", "participant")
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _is_others_role(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and request_may(request, "manage_roles", obj) and _is_others_role(request, obj)


def _is_others_role(request: HttpRequest, membership: Membership) -> bool:
    # Nobody locks themselves out, so a cluster keeps an administrator.
    return membership.role == Membership.Role.COORDINATOR and membership.user_id != request.user.pk


class InvitationForm(CoordinatorLevelForm):
    """An address that has no open invitation and no role yet."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        if Membership.objects.filter(role=Membership.Role.COORDINATOR, user__email=email).exists():
            raise ValidationError(_("This person has a role already: change it under memberships."))
        return email


@admin.register(RoleInvitation)
class RoleInvitationAdmin(TenantAdmin):
    """Invites the coordinator's people. Participants invite their delegates on their own pages."""

    change_action = "manage_roles"
    form = InvitationForm
    fields = ("email", "level")
    list_display = ("email", "level", "invited_by", "created_at", "taken_at")
    list_select_related: ClassVar = ("invited_by",)
    search_fields = ("email",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(participant=None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and obj.taken_at is None and request_may(request, "manage_roles", obj)

    def save_model(self, request: HttpRequest, obj: RoleInvitation, form: ModelForm, change: bool) -> None:
        cluster = request.cluster  # type: ignore[attr-defined]
        stored, token = invite(cluster, obj.email, obj.level, None, request.user, timezone.now())  # type: ignore[arg-type]
        obj.pk = stored.pk
        send_role_invitation(request, cluster, stored, token)
        messages.info(request, gettext("The invitation was sent to %(email)s.") % {"email": obj.email})
