"""The jars of Apache Kafka, resolved once by Maven into a folder of the cache.

Several test runs may start at the same moment: one resolves under a lock, the others wait. The folder appears by
renaming, so it is whole or not there.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.rig.process import RigError

POM = Path(__file__).with_name("pom.xml")
RESOLVE_SECONDS_MAX = 600


def kafka_version(pom: Path = POM) -> str:
    """The Kafka version that the POM names."""
    found = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", pom.read_text())
    if found is None:
        raise RigError(f"{pom}: no <kafka.version>")
    return found.group(1)


def kafka_jars(cache: Path) -> Path:
    """Folder with all jars of the broker; blocks while they are downloaded, the first time only.

    The folder's name carries a digest of the POM, so a changed POM is resolved anew. Raises :class:`RigError` when
    Maven is missing or cannot resolve.
    """
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    folder = cache / f"kafka-{kafka_version()}-{digest}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _resolve(cache, folder)
    return folder


def _resolve(cache: Path, folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise RigError("Maven is missing: the tests fetch Apache Kafka with it (Debian: apt-get install maven)")
    with tempfile.TemporaryDirectory(dir=cache, prefix="resolving-") as scratch:
        pom = shutil.copy(POM, scratch)
        jars = Path(scratch) / "jars"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        command = ["mvn", "-q", "-B", "-f", pom, *goal]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RESOLVE_SECONDS_MAX, check=False)
        if done.returncode or not any(jars.glob("kafka_*.jar")):
            raise RigError(f"Maven could not resolve Apache Kafka:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        jars.rename(folder)
