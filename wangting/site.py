"""Which city is this? A site's own declarations as validated types."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from wangting import declared, settings, site_folders
from wangting.errors import WangtingError
from wangting.site_folders import Folders
from wangting.source_spec import Declared, Source, Span

_RATE = re.compile(r"^(\d+(?:\.\d+)?) per (second|minute)$")
_NAMED = re.compile(r"^\$\{[A-Z][A-Z0-9_]*\}$")


def _rate(value: Any) -> Any:
    if isinstance(value, str) and (match := _RATE.match(value)) and float(match[1]) > 0:
        return float(match[1]) / {"second": 1, "minute": 60}[match[2]]
    raise ValueError("应写作「200 per second」「600 per minute」这样的速率")


def _named(value: Any) -> Any:
    if isinstance(value, str) and not _NAMED.match(value):
        raise ValueError("密钥和口令不写在站点文件里，只写环境变量的名称，如 ${NAME}")
    return value


Rate = Annotated[float, BeforeValidator(_rate)]
Secret = Annotated[str, BeforeValidator(_named)]
INHERITED = "inherited"  # in `precedence`: what the site that is inherited from says
WireName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")]


class SharingPlatform(Declared):
    """The city's own sharing platform (共享平台) in front of the province: its address and what it knows us by.

    Attributes:
        platform, account: who we are there. token: proves it.
    """

    url: str = "${SHARING_PLATFORM_URL}"
    platform: str = "${SHARING_PLATFORM_ID}"
    account: str = "${SHARING_PLATFORM_ACCOUNT}"
    token: Secret = "${SHARING_PLATFORM_TOKEN}"


class FrontEnd(Declared):
    """The receiver's front-end database (前置机), a PostgreSQL.

    Attributes:
        relations: the schema that holds the EX_ tables.
    """

    url: Secret = "${FRONT_END_URL}"
    relations: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")] = "public"


class Signing(Declared):
    """Requests are signed (HMAC-SHA256): the name of the key, and the secret itself."""

    key: Secret = "${PROVINCE_SIGN_KEY}"
    secret: Secret = "${PROVINCE_SIGN_SECRET}"


class ClientCertificate(Declared):
    """TLS with files whose paths the environment names: our certificate and key, and who signed theirs."""

    certificate: Secret | None = None
    key: Secret | None = None
    key_password: Secret | None = None
    authority: Secret | None = None

    @model_validator(mode="after")
    def _is_a_pair(self) -> "ClientCertificate":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate 与 key 应同时给出")
        return self


class Breaker(Declared):
    """When a receiver counts as away, and when it is asked again.

    Attributes:
        failures: requests without a receipt in a row that stop a pass; no fewer than there are connections.
        probe_after: how long after each further failure one record asks again; the last one is the limit.
    """

    failures: int = Field(default=32, ge=1)
    probe_after: list[Span] = Field(
        default=[timedelta(minutes=minutes) for minutes in (1, 2, 5, 10)], min_length=1
    )


class Aliases(Declared):
    """How a receiver calls what the specification calls otherwise; nothing that is kept or compared changes.

    Attributes:
        records: official record type → theirs.
        fields: official record type → official field → theirs.
        codes: code list of the specification → our code → theirs.
    """

    records: dict[str, WireName] = Field(default_factory=dict)
    fields: dict[str, dict[str, WireName]] = Field(default_factory=dict)
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)


class Province(Declared):
    """Who receives the exchange records, by which way, in which words, and how much at a time.

    Attributes:
        dialect: how a record is worded: an XML message each, JSON messages, or rows of a front-end database.
        route: straight to the province, or through the city's sharing platform.
        dept_code: the sender's code at the receiver.
        connections: how many requests are under way at once.
        batch: how many records one request may hold; JSON only.
        rate: records a second at most; None: as fast as they are taken.
    """

    dialect: Literal["xml", "json", "front_end"] = "xml"
    route: Literal["direct", "sharing_platform"] = "direct"
    url: str = "${PROVINCE_URL}"
    token: Secret = "${PROVINCE_TOKEN}"
    dept_code: str
    connections: int = Field(default=32, ge=1)
    batch: int = Field(default=1, ge=1, le=1_000)
    timeout: Span = timedelta(seconds=10)
    rate: Rate | None = None
    breaker: Breaker = Breaker()
    sign: Signing | None = None
    tls: ClientCertificate | None = None
    sharing_platform: SharingPlatform = SharingPlatform()
    front_end: FrontEnd = FrontEnd()
    aliases: Aliases = Aliases()

    @model_validator(mode="after")
    def _fits_dialect(self) -> "Province":
        if self.batch > 1 and self.dialect == "xml":
            raise ValueError("dialect 为 xml 时一次只能报送一条（batch 应为 1）")
        if self.route == "sharing_platform" and self.dialect == "front_end":
            raise ValueError("前置库（front_end）没有经共享平台的路由，route 应为 direct")
        return self


class Mailbox(Declared):
    """How alarms go out by mail.

    Attributes:
        host, port: of the mail server that takes them. starttls: whether the connection is secured first.
        sender, to: addresses.
        username, password: where the server wants them.
    """

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    starttls: bool = True
    sender: str
    to: list[str] = Field(min_length=1)
    username: Secret | None = None
    password: Secret | None = None

    @model_validator(mode="after")
    def _is_a_pair(self) -> "Mailbox":
        if (self.username is None) != (self.password is None):
            raise ValueError("username 与 password 应同时给出")
        if self.username is not None and not self.starttls:
            raise ValueError("要登录的邮件服务器须用 starttls，否则口令会明文传送")
        return self


class Alarm(Declared):
    """When records that are not acknowledged become an alarm, and who is told.

    Attributes:
        after: how long after the start of their clock.
        again: after how long an alarm that is still open is told once more.
        webhook: the address that takes a JSON message by POST; it holds a key, so only its variable is named.
    """

    after: Span = timedelta(hours=8)
    again: Span = timedelta(hours=4)
    webhook: Secret | None = None
    mail: Mailbox | None = None


class AtRest(Declared):
    """How personal data lie on this machine; files are their owner's alone in any case.

    Attributes:
        encrypt: whether batches are written encrypted; the key is the environment's `WANGTING_DATA_KEY`.
    """

    encrypt: bool = False


class Retention(Declared):
    """How long what holds personal data, or was made from it, is kept; None: for ever.

    Attributes:
        batches: then a batch keeps keys, hashes, versions and times only. 400 days: a year's review comes in the month
            after the year, and may ask for any record of it.
        verdicts: then the findings (masked values) go. 800 days: a review compares with the year before.
        raw: then pages and files as they came go. 90 days: a replay is wanted within weeks; the landing has the rows.
    """

    batches: Span | None = timedelta(days=400)
    verdicts: Span | None = timedelta(days=800)
    raw: Span | None = timedelta(days=90)


class Site(Declared):
    """A city: its name, its plan, its systems.

    Attributes:
        inherits: another site (a name under sites/, or a folder) whose sources, staging and seeds are taken over unless
            the site has its own of the same name. without: the names of those that are not.
        go_live: from this business time on the 12 hours count; older records are backfill.
        precedence: which source wins where two report the same record, first is strongest; in a site that inherits,
            `inherited` stands for the other's, less what is left out, and so does saying nothing.
        freeze_on_working_day: on which working day of a month the month before is frozen. 3: corrections of the last
            days have come by then, and the earliest report (QJ16) is due on the fourth.
        path: the site's own folder. folders: all that it is made of.
        sources: the systems whose declaration is sound.
        broken: the others, by name, with what is wrong; pulling goes on without them, everything that needs the whole
            city asks `check` first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str
    title: str
    inherits: str | None = None
    without: list[str] = Field(default_factory=list)
    division: str
    zone: str
    plan: str
    go_live: datetime
    precedence: list[str]
    province: Province
    at_rest: AtRest = AtRest()
    retention: Retention = Retention()
    alarm: Alarm = Alarm()
    freeze_on_working_day: int = Field(default=3, ge=1, le=10)
    path: Path
    folders: Folders
    sources: list[Source]
    broken: dict[str, WangtingError] = Field(default_factory=dict)

    def check(self) -> "Site":
        """The site itself, when every one of its sources is soundly declared.

        Raises:
            WangtingError: what is wrong with the first that is not.
        """
        for error in self.broken.values():
            raise error
        return self

    def source(self, name: str) -> Source:
        """The source of that name.

        Raises:
            WangtingError: there is none (the error lists those there are), or its declaration is broken.
        """
        for source in self.sources:
            if source.name == name:
                return source
        if name in self.broken:
            raise self.broken[name]
        known = "、".join(source.name for source in self.sources)
        raise WangtingError(f"没有名为 {name} 的来源", place=self.title, mend=f"可用的来源：{known}")

    def seed(self, name: str) -> list[dict[str, str]]:
        """The rows of one of the site's seeds, all as text; none where the site has no such file."""
        file = self.folders.seeds.get(name)
        return [] if file is None else site_folders.rows(file)

    @property
    def specification_override(self) -> Path | None:
        """The site's own changes to the exchange specification, where it has any."""
        path = self.path / "specification.yml"
        return path if path.is_file() else None


@lru_cache(maxsize=8)
def _load(path: Path, _stamps: tuple[tuple[Path, int, int], ...]) -> Site:
    folders = site_folders.of(path)
    sources: list[Source] = []
    broken: dict[str, WangtingError] = {}
    for name, file in folders.sources.items():
        try:
            sources.append(declared.load(file, Source, name=name))
        except WangtingError as error:
            broken[name] = error
    here = {source.name for source in sources} | set(broken)
    known: dict[str, Any] = {"path": path, "folders": folders, "sources": sources, "broken": broken}
    if len(folders.chain) > 1 and (found := _precedence(folders.chain)) is not None:
        own, inherited = found
        known["precedence"] = [name for name in own if name in here or name not in inherited]
    site = declared.load(path / "site.yml", Site, **known)
    unknown = set(site.precedence) - here
    if unknown:
        raise WangtingError(
            f"precedence 中的 {'、'.join(sorted(unknown))} 没有对应的来源目录",
            place=str(path / "site.yml"),
            mend="改正名称，或在 sources/ 下补上",
        )
    return site


def _precedence(chain: tuple[Path, ...]) -> tuple[list[str], set[str]] | None:
    """The order that a chain of sites amounts to, and which of its names are inherited; None: it says nothing fit."""
    content, _ = declared.read(chain[0] / "site.yml")
    own = content.get("precedence", [INHERITED]) if isinstance(content, dict) else None
    if not isinstance(own, list) or not all(isinstance(name, str) for name in own):
        return None
    if len(chain) == 1:
        return own, set()
    above = _precedence(chain[1:])
    inherited = [name for name in above[0] if name not in own] if above else []
    return [each for name in own for each in (inherited if name == INHERITED else [name])], set(inherited)


def current_site() -> Site:
    """The site that `WANGTING_SITE` names, read once and again when one of its files changes, comes or goes."""
    return at(settings.site_path())


def at(path: Path) -> Site:
    """The site in a folder, read once and again when one of its files changes, comes or goes.

    Raises:
        WangtingError: its site.yml, or that of a site it inherits from, does not fit.
    """
    return _load(path, _stamps(path))


def _stamps(path: Path) -> tuple[tuple[Path, int, int], ...]:
    """Everything that decides what `_load` reads: files with their times and sizes, and the folders that list them."""
    folders = site_folders.of(path)
    listed = [*folders.declarations, *folders.seeds.values(), *folders.staging.values()]
    return tuple((file, found.st_mtime_ns, found.st_size) for file in listed if (found := file.stat()))
