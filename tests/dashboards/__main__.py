"""``python -m tests.dashboards`` (``make dashboards``): write the JSON that Grafana reads."""

from tests.dashboards.build import FOLDER, build

for uid, text in build().items():
    (FOLDER / f"{uid}.json").write_text(text)
