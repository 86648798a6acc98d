"""Real parts for tests: an Apache Kafka broker and a PostgreSQL server, started by fixtures and thrown away after."""
