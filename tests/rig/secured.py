"""A Kafka that asks who comes and a PostgreSQL that talks under TLS only, with certificates of the test's own authority."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import psycopg

from tests.rig.certificates import Authority, Pair
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer, give_away
from tests.rig.process import RigError, free_ports

SYSTEM_BINARIES = Path("/usr/lib/postgresql")

# The plain listener is the broker's own (it writes transaction markers to itself) and nobody else's: users come to SASL and
# MUTUAL. Who is not in the file of rights may do nothing.
_SECURED = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
ssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/
listener.name.mutual.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


class SecuredBroker(KafkaBroker):
    """SASL_SSL (SCRAM) on one port, mutual TLS on another; ``admin`` may do everything, others what the rights say."""

    def __init__(self, authority: Authority, passwords: dict[str, str], folder: Path) -> None:
        super().__init__()
        self._authority, self._own = authority, folder
        self.sasl_port, self.mutual_port = free_ports(2)
        self.format_options = tuple(
            word
            for user, password in passwords.items()
            for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        )

    @property
    def bootstrap(self) -> str:
        """Where users come with a password."""
        return f"127.0.0.1:{self.sasl_port}"

    @property
    def mutual(self) -> str:
        """Where users come with a certificate."""
        return f"127.0.0.1:{self.mutual_port}"

    def _properties(self, folder: Path, controller_port: int) -> str:
        pair = self._authority.sign("broker", "127.0.0.1", "localhost")
        keystore = self._own / "broker-keystore.pem"
        keystore.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
        base = super()._properties(folder, controller_port)
        own = _SECURED.format(
            port=self._port, controller_port=controller_port, sasl=self.sasl_port, mutual=self.mutual_port,
            keystore=keystore, truststore=self._authority.certificate,
        )  # fmt: skip
        replaced = {line.partition("=")[0] for line in own.splitlines()}
        kept = [line for line in base.splitlines() if line.partition("=")[0] not in replaced]
        return "\n".join((*kept, own))


class SecuredPostgres(PostgresServer):
    """Debian's PostgreSQL, since the wheel's is built without TLS; takes a password and a certificate, and neither alone."""

    def __init__(self, authority: Authority, user: str, password: str) -> None:
        super().__init__()
        self.binaries = system_binaries()
        self._authority, self._user, self._password = authority, user, password

    def secured_url(self, client: Pair) -> str:
        """URL of the user, without the password, which libpq takes from PGPASSWORD."""
        return (
            f"postgresql://{self._user}@127.0.0.1:{self._port}/payweir?sslmode=verify-full"
            f"&sslrootcert={self._authority.certificate}&sslcert={client.certificate}&sslkey={client.key}"
        )

    def start(self) -> None:
        """Start, make user and database, then let nobody in without TLS, certificate and password."""
        super().start()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {self._user} LOGIN PASSWORD '{self._password}'")
            connection.execute(f"CREATE DATABASE payweir OWNER {self._user}")
            rules = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"
            data = Path(str(connection.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]  # one row
            (data / "pg_hba.conf").write_text(rules)
            connection.execute("SELECT pg_reload_conf()")

    def server_options(self, folder: Path) -> Iterable[str]:
        """TLS on, with a pair of the authority."""
        pair = self._authority.sign("store", "127.0.0.1", "localhost")
        options = {"ssl": "on", "ssl_ca_file": str(self._authority.certificate)}
        for name, path in (("ssl_cert_file", pair.certificate), ("ssl_key_file", pair.key)):
            copy = folder / "data" / path.name
            shutil.copyfile(path, copy)
            copy.chmod(0o600)
            give_away(copy)
            options[name] = str(copy)
        copy = folder / "data" / "trusted.pem"
        shutil.copyfile(self._authority.certificate, copy)
        give_away(copy)
        options["ssl_ca_file"] = str(copy)
        return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]


def system_binaries() -> Path:
    """Where Debian keeps PostgreSQL's programs, the newest; raises :class:`RigError` saying what to install."""
    found = sorted(SYSTEM_BINARIES.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
    if not found:
        raise RigError(
            "the tests of secured connections need a PostgreSQL with TLS (Debian: apt-get install postgresql)"
        )
    return found[-1].parent
