"""All systems that do not carry cases themselves, by the kind of store in which they keep their rows."""

from simulator.systems import (
    accounts,
    channels,
    dropped,
    licences,
    physical_hall,
    projects,
    registers,
    sharing,
    standards,
    thematic,
    voices,
)
from simulator.systems.stores import Dropped, InPostgres, InSqlite, Served

SYSTEMS = (
    Served(
        "services",
        (
            *standards.TABLES,
            *accounts.TABLES,
            *licences.TABLES,
            *channels.TABLES,
            *voices.TABLES,
            *projects.SERVED,
            *sharing.TABLES,
        ),
    ),
    InPostgres(
        "registers",
        (*registers.IN_POSTGRES, *thematic.IN_POSTGRES, *projects.IN_POSTGRES, *physical_hall.TABLES),
        (
            "LEGAL_PERSON_REGISTER_URL",
            "CREDIT_URL",
            "MARKET_SUPERVISION_URL",
            "INVESTMENT_PROJECTS_URL",
            "PHYSICAL_HALL_URL",
        ),
    ),
    InSqlite("office databases", thematic.IN_SQLITE),
    Dropped("dropped files", tuple(drop.table for drop in dropped.DROPS), dropped.DROPS),
)
