import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0001_first_light"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BankFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="file")),
                ("sha256", models.CharField(max_length=64)),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("content", models.BinaryField(default=b"")),
                (
                    "state",
                    models.CharField(
                        choices=[("previewed", "read, not stored"), ("stored", "stored"), ("cancelled", "cancelled")],
                        default="previewed",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("format", models.CharField(blank=True, max_length=10, verbose_name="format")),
                ("bookings", models.PositiveIntegerField(default=0, verbose_name="bookings")),
                ("new", models.PositiveIntegerField(default=0, verbose_name="new")),
                ("faulty", models.PositiveIntegerField(default=0, verbose_name="faulty")),
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
            ],
            options={
                "verbose_name": "bank file",
                "verbose_name_plural": "bank files",
                "ordering": ("-received_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="InterestRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("statutory", "statutory, for persons"), ("commercial", "in commercial transactions")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("percent", models.DecimalField(decimal_places=2, max_digits=5, verbose_name="percent a year")),
            ],
            options={
                "verbose_name": "interest rate for late payment",
                "verbose_name_plural": "interest rates for late payment",
                "ordering": ("kind", "-valid_from"),
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "valid_from"), name="one_interest_rate_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 0), ("percent__lte", 100)), name="interest_rate_percent"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BankTransaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", models.CharField(max_length=34, verbose_name="account")),
                ("booked_on", models.DateField(verbose_name="booked on")),
                ("amount_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount (PLN)")),
                ("partner_name", models.CharField(blank=True, max_length=200, verbose_name="other side")),
                ("partner_account", models.CharField(blank=True, max_length=64, verbose_name="other side's account")),
                ("title", models.CharField(blank=True, max_length=500, verbose_name="title")),
                ("reference", models.CharField(blank=True, max_length=100, verbose_name="bank's reference")),
                ("fingerprint", models.CharField(max_length=80)),
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
                    "file",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="billing.bankfile",
                        verbose_name="bank file",
                    ),
                ),
            ],
            options={
                "verbose_name": "bank transaction",
                "verbose_name_plural": "bank transactions",
                "ordering": ("-booked_on", "-pk"),
                "indexes": [models.Index(fields=["cluster", "-booked_on"], name="transactions_by_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "fingerprint"), name="one_booking"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_pln", 0), _negated=True), name="booking_moves_money"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReminderTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                (
                    "friendly_days",
                    models.PositiveSmallIntegerField(
                        default=5, verbose_name="friendly reminder (days after the bill was due)"
                    ),
                ),
                (
                    "second_days",
                    models.PositiveSmallIntegerField(default=14, verbose_name="reminder (days after the bill was due)"),
                ),
                (
                    "final_days",
                    models.PositiveSmallIntegerField(
                        default=30, verbose_name="final demand (days after the bill was due)"
                    ),
                ),
                (
                    "demand_days",
                    models.PositiveSmallIntegerField(default=14, verbose_name="days that the final demand gives"),
                ),
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
            ],
            options={
                "verbose_name": "days of payment reminders",
                "verbose_name_plural": "days of payment reminders",
                "ordering": ("-valid_from",),
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "valid_from"), name="one_reminder_terms_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("final_days__gt", models.F("second_days")),
                            ("friendly_days__gte", 1),
                            ("second_days__gt", models.F("friendly_days")),
                            ("demand_days__gte", 1),
                            ("demand_days__lte", 90),
                            ("final_days__lte", 365),
                        ),
                        name="reminder_steps_rise",
                    ),
                ],
            },
        ),
        ProtectTenant("BankFile"),
        ProtectTenant("BankTransaction"),
        ProtectTenant("ReminderTerms"),
    ]
