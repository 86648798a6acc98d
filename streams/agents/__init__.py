"""Faust workers on Kafka: intake, detect and record, one consumer group and one process per role."""
