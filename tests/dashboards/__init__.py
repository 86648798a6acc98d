"""The Grafana dashboards: made from ``deploy/grafana/dashboards.yaml``, and held to it, to the views and to the metrics."""
