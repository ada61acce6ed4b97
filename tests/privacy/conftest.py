"""The pages are read on the same fixed day as the others."""

from tests.pages.conftest import clock as clock
