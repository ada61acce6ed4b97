"""What members and applicants can be."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What somebody does with energy."""

    CONSUMER = "consumer", _("consumer")
    PROSUMER = "prosumer", _("prosumer")
    PRODUCER = "producer", _("producer")


class LegalForm(models.TextChoices):
    """What somebody is before the law."""

    PERSON = "person", _("person")
    COMPANY = "company", _("company")
    PUBLIC = "public", _("public body")
