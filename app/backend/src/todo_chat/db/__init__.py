"""Connection pool, transaction with the user's identity, migrations."""
