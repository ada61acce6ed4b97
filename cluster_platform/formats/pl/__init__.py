"""Polish: 1 234,56 and 11 czerwca 2026."""
