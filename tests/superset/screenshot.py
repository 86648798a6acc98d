"""Runs in Superset's environment: log in, open a dashboard, wait for its charts, save a picture, print its text as JSON."""

import json
import sys

from playwright.sync_api import sync_playwright

url, password, path, picture, charts = sys.argv[1:]
WAIT_MS = 180_000

with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1600, "height": 1250})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{url}/login/")
    page.locator("input[name=username], #username").first.fill("admin")
    page.locator("input[name=password], #password").first.fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda at: "/login" not in at)
    page.goto(f"{url}{path}?standalone=2")
    page.wait_for_function(
        "count => document.querySelectorAll('.chart-slice').length == count && !document.querySelector('.loading')",
        arg=int(charts),
    )
    page.wait_for_timeout(3_000)
    page.screenshot(path=picture)
    print(json.dumps(page.inner_text("body")))
    browser.close()
