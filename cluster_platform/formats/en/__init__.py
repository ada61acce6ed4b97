"""English: 1,234.56 and 11 June 2026."""
