"""Bills as people read them: the same content as a page and as an archival PDF, in the reader's language."""
