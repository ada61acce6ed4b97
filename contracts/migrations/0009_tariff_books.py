"""Rates and zones belong to a version of the tariff: what was published so far becomes book 1 of its distributor."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FIRST_BOOKS = """
INSERT INTO contracts_tariffbook
    (dso_id, number, name, state, valid_from, sharing_discount, note, created_at, published_at, reason)
SELECT dso_id, 1, to_char(min(valid_from), 'YYYY'), 'published', min(valid_from), '{}', '', now(), now(), ''
FROM contracts_tariffrate GROUP BY dso_id;
UPDATE contracts_tariffrate r SET book_id = b.id FROM contracts_tariffbook b WHERE b.dso_id = r.dso_id;
UPDATE contracts_tariffzone z SET book_id = b.id FROM contracts_tariffbook b WHERE b.dso_id = z.dso_id;
DELETE FROM contracts_tariffzone WHERE book_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE
"""
# One book was all there could be: the earliest published one stays.
NO_BOOKS = """
DELETE FROM contracts_tariffrate r USING contracts_tariffbook b
WHERE b.id = r.book_id AND b.id NOT IN (
    SELECT DISTINCT ON (dso_id) id FROM contracts_tariffbook WHERE state = 'published' ORDER BY dso_id, number);
DELETE FROM contracts_tariffzone z USING contracts_tariffbook b
WHERE b.id = z.book_id AND b.id NOT IN (
    SELECT DISTINCT ON (dso_id) id FROM contracts_tariffbook WHERE state = 'published' ORDER BY dso_id, number);
UPDATE contracts_tariffrate r SET dso_id = b.dso_id FROM contracts_tariffbook b WHERE b.id = r.book_id;
UPDATE contracts_tariffzone z SET dso_id = b.dso_id FROM contracts_tariffbook b WHERE b.id = z.book_id;
SET CONSTRAINTS ALL IMMEDIATE
"""
# Row by row, and for every role. FOR SHARE waits for a publication that is under way; the statement after it sees it.
IMMUTABLE = """
CREATE FUNCTION refuse_published_book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'published' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    -- Only who published it may be forgotten, when their login goes.
    IF TG_OP = 'UPDATE' THEN
        IF NEW.published_by_id IS NULL AND to_jsonb(NEW) - 'published_by_id' = to_jsonb(OLD) - 'published_by_id' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'tariff book % is published and can not be changed; publish a new one', OLD.number
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION refuse_rows_of_published_book() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    books bigint[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.book_id] WHEN 'DELETE' THEN ARRAY[OLD.book_id]
                      ELSE ARRAY[OLD.book_id, NEW.book_id] END;
    published integer;
BEGIN
    PERFORM FROM contracts_tariffbook WHERE id = ANY(books) FOR SHARE;
    SELECT number INTO published FROM contracts_tariffbook WHERE id = ANY(books) AND state = 'published';
    IF FOUND THEN
        RAISE EXCEPTION 'tariff book % is published and can not be changed; publish a new one', published
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER published_book_stays BEFORE UPDATE OR DELETE ON contracts_tariffbook
FOR EACH ROW EXECUTE FUNCTION refuse_published_book();
CREATE TRIGGER published_rates_stay BEFORE INSERT OR UPDATE OR DELETE ON contracts_tariffrate
FOR EACH ROW EXECUTE FUNCTION refuse_rows_of_published_book();
CREATE TRIGGER published_zones_stay BEFORE INSERT OR UPDATE OR DELETE ON contracts_tariffzone
FOR EACH ROW EXECUTE FUNCTION refuse_rows_of_published_book()
"""
MUTABLE = """
DROP TRIGGER published_book_stays ON contracts_tariffbook;
DROP TRIGGER published_rates_stay ON contracts_tariffrate;
DROP TRIGGER published_zones_stay ON contracts_tariffzone;
DROP FUNCTION refuse_published_book();
DROP FUNCTION refuse_rows_of_published_book()
"""


def distributor(related_name):
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to="participants.dso",
        verbose_name="distributor",
    )


def book(related_name, **kwargs):
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE,
        related_name=related_name,
        to="contracts.tariffbook",
        verbose_name="tariff book",
        **kwargs,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0008_external_terms"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TariffBook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "draft"), ("published", "published")],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="from")),
                (
                    "sharing_discount",
                    models.JSONField(blank=True, default=dict, verbose_name="discount by sharing level"),
                ),
                ("note", models.TextField(blank=True, verbose_name="note")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="published")),
                ("reason", models.TextField(blank=True, verbose_name="reason of the correction")),
                (
                    "dso",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="books",
                        to="participants.dso",
                        verbose_name="distributor",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="published by",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.tariffbook",
                        verbose_name="replaces",
                    ),
                ),
            ],
            options={
                "verbose_name": "tariff book",
                "verbose_name_plural": "tariff books",
                "ordering": ("dso", "-number"),
                "constraints": [
                    models.UniqueConstraint(fields=("dso", "number"), name="one_book_number"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at", None), ("state", "draft")),
                            models.Q(("published_at__isnull", False), ("state", "published")),
                            _connector="OR",
                        ),
                        name="book_published_at",
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint("tariffrate", "one_rate"),
        migrations.RemoveConstraint("tariffzone", "one_zone_row"),
        migrations.AlterModelOptions("tariffrate", options={}),
        migrations.AlterModelOptions("tariffzone", options={}),
        migrations.AlterField("tariffrate", "dso", distributor("rates")),
        migrations.AlterField("tariffzone", "dso", distributor("zones")),
        migrations.AddField("tariffrate", "book", book("rates", null=True)),
        migrations.AddField("tariffzone", "book", book("zones", null=True)),
        migrations.RunSQL(FIRST_BOOKS, NO_BOOKS),
        migrations.RemoveField("tariffrate", "dso"),
        migrations.RemoveField("tariffzone", "dso"),
        migrations.AlterField("tariffrate", "book", book("rates")),
        migrations.AlterField("tariffzone", "book", book("zones")),
        migrations.AlterModelOptions(
            "tariffrate",
            options={
                "verbose_name": "tariff rate",
                "verbose_name_plural": "tariff rates",
                "ordering": ("book", "group", "component", "zone", "use_from_kwh", "valid_from"),
            },
        ),
        migrations.AlterModelOptions(
            "tariffzone",
            options={
                "verbose_name": "tariff zone",
                "verbose_name_plural": "tariff zones",
                "ordering": ("book", "group", "zone", "months", "day_type", "starts"),
            },
        ),
        migrations.AddConstraint(
            "tariffrate",
            models.UniqueConstraint(
                fields=("book", "group", "phases", "use_from_kwh", "component", "zone", "valid_from"),
                name="one_rate",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            "tariffzone",
            models.UniqueConstraint(
                fields=("book", "group", "zone", "months", "day_type", "starts"), name="one_zone_row"
            ),
        ),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
    ]
