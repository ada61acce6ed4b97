"""Logins in the operator's admin."""

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from participants.models import User
from participants.services.second_factor_reset import reset_second_factor
from participants.tenancy.admin import OperatorOnly


class ResetForm(forms.Form):
    """Nobody is let past their second factor without a word on why."""

    reason = forms.CharField(
        label=_("How did you make sure who asks?"),
        help_text=_("For instance: called back at the number in the contract. It stays in the login's history."),
        max_length=300,
        widget=forms.TextInput({"class": "vTextField"}),
    )


@admin.register(User)
class PlatformUserAdmin(OperatorOnly, UserAdmin):
    list_display = ("email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email",)
    ordering = ("email",)
    readonly_fields = ("second_factor",)
    fieldsets = (
        (None, {"fields": ("email", "password", "second_factor")}),
        (_("Access"), {"fields": ("is_active", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    add_form = AdminUserCreationForm
    filter_horizontal = ()

    @admin.display(description=_("second factor"))
    def second_factor(self, user: User) -> str:
        named = _factors(user)
        if not named:
            return gettext("none")
        url = reverse("admin:participants_user_second_factor", args=[user.pk])
        return format_html('{} · <a href="{}">{}</a>', ", ".join(named), url, gettext("Lost? Remove it…"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reset_view)
        own = path("<int:number>/second-factor/", view, name="participants_user_second_factor")
        return [own, *super().get_urls()]

    def reset_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Asks for the reason, then removes all second factors of the login."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        user = get_object_or_404(User, pk=number)
        page = redirect("admin:participants_user_change", user.pk)
        if user == request.user:
            messages.error(request, gettext("Change your own under “Sign-in and security”."))
            return page
        form = ResetForm(request.POST or None)
        if form.is_valid():
            reset_second_factor(user, request.user, form.cleaned_data["reason"])  # type: ignore[arg-type]
            text = gettext("The second factor of %(email)s is removed; an e-mail tells them so.")
            messages.success(request, text % {"email": user.email})
            return page
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Remove a lost second factor"),
            "subtitle": None,
            "form": form,
            "person": user,
            "factors": _factors(user),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/second_factor.html", context)


def _factors(user: User) -> list[str]:
    """What opens the door beside the password, in words."""
    found = list(Authenticator.objects.filter(user=user).order_by("pk"))
    kinds = {
        Authenticator.Type.TOTP: gettext("authenticator app"),
        Authenticator.Type.RECOVERY_CODES: gettext("recovery codes"),
    }
    return [kinds.get(factor.type) or str(factor.wrap()) for factor in found]
