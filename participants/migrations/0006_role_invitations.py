import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [("participants", "0005_onboarding")]

    operations = [
        migrations.CreateModel(
            name="RoleInvitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("full", "administrator"),
                            ("act", "read and act"),
                            ("accounts", "accountant"),
                            ("read", "read only"),
                        ],
                        max_length=8,
                        verbose_name="level",
                    ),
                ),
                ("secret_sha256", models.CharField(editable=False, max_length=64, verbose_name="hash of the secret")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("taken_at", models.DateTimeField(null=True, verbose_name="taken up")),
                (
                    "cluster",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.cluster",
                    ),
                ),
                (
                    "participant",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                        verbose_name="participant",
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited by",
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="taken up by",
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation to a role",
                "verbose_name_plural": "invitations to roles",
                "ordering": ("-created_at",),
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "secret_sha256"), name="one_role_invitation_a_secret"),
                    models.UniqueConstraint(
                        condition=models.Q(("taken_at", None)),
                        fields=("cluster", "email", "participant"),
                        name="one_open_role_invitation",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("level__in", ["act", "read"]), ("participant__isnull", False)),
                            models.Q(("level__in", ["full", "accounts", "read"]), ("participant__isnull", True)),
                            _connector="OR",
                        ),
                        name="levels_to_invite_to",
                    ),
                ],
            },
        ),
        ProtectTenant("RoleInvitation"),
    ]
