import django.db.models.deletion
from django.db import migrations, models

from participants.tenancy.ddl import ProtectTenant

# An application that was erased leads its applicant nowhere.
APPLICATIONS_OF_USER = """
CREATE OR REPLACE FUNCTION applications_of_user(wanted bigint) RETURNS TABLE (cluster_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT a.cluster_id FROM participants_application a
    WHERE a.user_id = wanted AND a.status <> 'admitted'{} ORDER BY 1
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0008_forget_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClusterPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text_pl", models.TextField(blank=True, max_length=4000, verbose_name="about the cluster, in Polish")),
                (
                    "text_en",
                    models.TextField(blank=True, max_length=4000, verbose_name="about the cluster, in English"),
                ),
                (
                    "contact",
                    models.CharField(
                        blank=True,
                        help_text="E-mail address or telephone, for questions.",
                        max_length=200,
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "public page",
                "verbose_name_plural": "public page",
            },
        ),
        migrations.AddField(
            model_name="application",
            name="erased_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="erased"),
        ),
        migrations.AddField(
            model_name="invitation",
            name="language",
            field=models.CharField(
                choices=[("pl", "Polish"), ("en", "English")], default="pl", max_length=10, verbose_name="language"
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                choices=[("pl", "Polish"), ("en", "English")], default="pl", max_length=10, verbose_name="language"
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(("erased_at", None), ("status__in", ["refused", "withdrawn"]), _connector="OR"),
                name="only_what_is_over_is_erased",
            ),
        ),
        migrations.AddField(
            model_name="clusterpage",
            name="cluster",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="participants.cluster",
            ),
        ),
        migrations.AddConstraint(
            model_name="clusterpage",
            constraint=models.UniqueConstraint(fields=("cluster",), name="one_page_a_cluster"),
        ),
        ProtectTenant("ClusterPage"),
        migrations.RunSQL(APPLICATIONS_OF_USER.format(" AND a.erased_at IS NULL"), APPLICATIONS_OF_USER.format("")),
    ]
