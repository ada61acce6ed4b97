"""Pages of the coordinator's admin about closing months, documents, corrections and the ledger."""
