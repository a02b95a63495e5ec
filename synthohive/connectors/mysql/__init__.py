"""MySQL and MariaDB: a schema is a database; written by LOAD DATA LOCAL into a staging one."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities(
    "pymysql",
    "mysql",
    driver="pymysql",
    connect_args=(("local_infile", True),),
    variants=(("is_mariadb", "mariadb"),),
)
