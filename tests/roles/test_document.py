"""What the docs say about roles is what is tried."""

from tests.roles.document import PATH, document


def test_the_matrix_in_the_docs_is_up_to_date() -> None:
    assert PATH.read_text() == document(), "run `python -m tests.roles.document`"
