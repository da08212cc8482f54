"""The databases: SQLite for one host, PostgreSQL for several replicas, with the same behaviour."""
