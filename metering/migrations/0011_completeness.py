import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


def cluster(constraint: bool = True) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=constraint,
        db_index=False,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="participants.cluster",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("metering", "0010_deliveries"),
        ("participants", "0013_attach_partitions"),
    ]

    operations = [
        migrations.AddField(
            model_name="daycheck",
            name="counted_changes",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="meteringpoint",
            name="readings_from",
            field=models.CharField(
                choices=[("dso", "distributor"), ("member", "member"), ("coordinator", "coordinator")],
                default="dso",
                max_length=12,
                verbose_name="readings come from",
            ),
        ),
        migrations.AddConstraint(
            model_name="meteringpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("readings_from__in", ["dso", "member", "coordinator"])),
                name="readings_from_somebody",
            ),
        ),
        migrations.CreateModel(
            name="ReadingGap",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "cluster_id",
                        "metering_point_id",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("missing", models.PositiveSmallIntegerField()),
                ("estimated", models.PositiveSmallIntegerField()),
                ("first_at", models.DateTimeField()),
                ("cluster", cluster(constraint=False)),
                (
                    "metering_point",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.meteringpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "gap in the readings",
                "verbose_name_plural": "gaps in the readings",
                "indexes": [models.Index(fields=["cluster", "day"], name="gaps_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("missing__gt", 0), ("estimated__gt", 0), _connector="OR"),
                        name="gap_of_something",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("address", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("points", models.PositiveIntegerField(verbose_name="metering points")),
                ("quarter_hours", models.PositiveBigIntegerField(verbose_name="quarter-hours")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("cluster", cluster()),
            ],
            options={
                "verbose_name": "reminder",
                "verbose_name_plural": "reminders",
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "day", "address"), name="one_reminder_a_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReminderSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.BooleanField(default=True, verbose_name="remind by e-mail")),
                (
                    "hour",
                    models.PositiveSmallIntegerField(
                        default=8,
                        help_text="local time, 0 to 23",
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="from this hour on",
                    ),
                ),
                ("cluster", cluster()),
            ],
            options={
                "verbose_name": "reminders of missing readings",
                "verbose_name_plural": "reminders of missing readings",
                "constraints": [
                    models.UniqueConstraint(fields=("cluster",), name="one_reminder_setting"),
                    models.CheckConstraint(condition=models.Q(("hour__lt", 24)), name="reminder_hour"),
                ],
            },
        ),
        ProtectTenant("ReadingGap"),
        ProtectTenant("Reminder"),
        ProtectTenant("ReminderSetting"),
    ]
