"""Who everybody is and what they did, counted in Python from the simulator's truth: the rows of its systems as they
stand, and the cases as they were emitted."""

from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt_project.numbers import reading

Row = dict[str, Any]
_STATUS = {"死亡": "died", "迁出": "moved_out", "合并": "merged"}
_KINDS = {"企业": "enterprise", "个体工商户": "household_business", "事业单位": "public_institution"}
_CLASSES = {
    "91": "enterprise",
    "92": "household_business",
    "12": "public_institution",
    "51": "social_organisation",
}


class Truth:
    """The truth of a city in `home` at a moment."""

    def __init__(self, home: Path, now: datetime) -> None:
        self._folder, self._now = home / "simulator" / "truth", now
        self.cases = self._read("select * from '{}'", "cases_as_emitted")
        self.by_case = {row["case_no"]: row for row in self.cases}
        self._stands_for = self._aliases()

    def _read(self, query: str, name: str) -> list[Row]:
        found = duckdb.sql(query.format(self._folder / f"{name}.parquet"))
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def rows(self, name: str, key: str) -> list[Row]:
        """A table's rows as they are there now."""
        return self._read(
            "select * from '{}' where gone_at is null"
            f' qualify row_number() over (partition by "{key}" order by seen_at desc) = 1',
            name,
        )

    def _aliases(self) -> dict[tuple[str, str], tuple[str, str]]:
        said = [
            (row["公民身份号码"], row["保留号码"])
            for row in self.rows("population_register__changes", "变更流水号")
            if row["保留号码"]
        ] + [
            (row["yzch"], row["tyshxydm"])
            for row in self.rows("legal_person_register__fr_bgjl", "bgxh")
            if row["yzch"]
        ]
        return {self._plain(one): self._plain(other) for one, other in said}

    @staticmethod
    def _plain(number: str) -> tuple[str, str]:
        _, _, kind, comes_to = reading(number)
        return kind, comes_to

    def owner(self, number: str) -> tuple[str, str]:
        """(kind, number) of who stands behind a number."""
        owner = self._plain(number)
        while owner in self._stands_for:
            owner = self._stands_for[owner]
        return owner

    # ---- what is the same for both -----------------------------------------------------------------------------

    def _activity(self, kind: str, found: dict[str, Row]) -> None:
        theme = "person_theme_code" if kind == "person" else "legal_theme_code"
        themes: dict[str, Counter[str]] = defaultdict(Counter)
        for case in self.cases:
            of, number = self.owner(case["applicant_id_no"])
            if of != kind:
                continue
            mine = found[number]
            mine["case_count"] += 1
            mine["online_count"] += case["channel"] == "1"
            mine["window_count"] += case["channel"] == "0"
            mine["closed_count"] += case["closed_at"] is not None
            mine["business_volume"] += case["is_business_volume"]
            mine["visit_count"] += case["visit_count"] or 0
            mine["first_applied_at"] = min(mine["first_applied_at"] or case["applied_at"], case["applied_at"])
            mine["last_applied_at"] = max(mine["last_applied_at"] or case["applied_at"], case["applied_at"])
            if case[theme]:
                themes[number][case[theme]] += 1
        for number, counted in themes.items():
            found[number]["theme_count"] = len(counted)
            found[number]["main_theme_code"] = min(counted, key=lambda code: (-counted[code], code))

    def _accounts(self, kind: str, found: dict[str, Row]) -> None:
        days: dict[str, list[date]] = defaultdict(list)
        for row in self.rows("personal_pages__logins", 'page_id", "login_date'):
            days[row["page_id"]].append(row["login_date"])
        pages: dict[str, list[str]] = defaultdict(list)
        for row in self.rows("personal_pages__pages", "page_id"):
            pages[row["account_id"]].append(row["page_id"])
        for row in self.rows("identity__accounts", "account_id"):
            of, number = self.owner(row["id_no"])
            if of != kind:
                continue
            mine = found[number]
            mine["account_count"] += 1
            mine["real_name_level"] = max(mine["real_name_level"] or 0, row["real_name_level"])
            for page in pages[row["account_id"]]:
                mine["page_count"] += 1
                mine["page_login_days"] += len(days[page])
                mine["last_page_login_on"] = max(
                    filter(None, [mine["last_page_login_on"], *days[page]]), default=None
                )

    def _licences(self, kind: str, found: dict[str, Row]) -> None:
        for row in self.rows("elicence__licences", "licence_no"):
            of, number = self.owner(row["holder_id_no"])
            if of == kind:
                found[number]["licence_count"] += 1
                found[number]["valid_licence_count"] += row["status"] != "abolished"

    @staticmethod
    def _nobody() -> Row:
        counts = "case online window closed theme account page licence valid_licence"
        return dict.fromkeys((f"{name}_count" for name in counts.split()), 0) | {
            "business_volume": 0,
            "visit_count": 0,
            "page_login_days": 0,
            "first_applied_at": None,
            "last_applied_at": None,
            "main_theme_code": None,
            "real_name_level": None,
            "last_page_login_on": None,
        }

    # ---- persons -----------------------------------------------------------------------------------------------

    def persons(self) -> dict[str, Row]:
        """Everybody by the number of 18 digits."""
        found: dict[str, Row] = defaultdict(self._nobody)
        self._activity("person", found)
        self._accounts("person", found)
        self._licences("person", found)
        names: dict[str, set[str]] = defaultdict(set)
        for case in self.cases:
            of, number = self.owner(case["applicant_id_no"])
            if of == "person":
                names[number].add(case["applicant_name"])
        poor = set()
        for row in self.rows("poverty_relief__households", "户编号"):
            _, number = self.owner(row["户主身份号码"])
            names[number].add(row["户主姓名"])
            poor.add(number)
        entries: dict[str, Row] = {}  # by the number itself, the newest
        for row in self.rows("population_register__persons", "公民身份号码"):
            entries[self._plain(row["公民身份号码"])[1]] = row
        changes = self.rows("population_register__changes", "变更流水号")
        for row in sorted(changes, key=lambda each: each["变更时间"]):
            entries[self._plain(row["公民身份号码"])[1]] = row
        register: dict[str, Row] = {}
        for number, row in entries.items():
            _, owner = self.owner(number)
            names[owner].add(row["姓名"])
            if owner == number or owner not in entries:
                register[owner] = row
        for number in {*register, *names, *poor}:
            found[number]["is_householder_in_poverty"] = number in poor
        for number, mine in found.items():
            entry = register.get(number)
            born = datetime.strptime(number[6:14], "%Y%m%d").date()
            sex = "男" if int(number[16]) % 2 else "女"
            mine["is_householder_in_poverty"] = number in poor
            mine["name_count"] = len(names[number])
            mine["sex"] = entry["性别"] if entry else sex
            mine["has_sex_conflict"] = bool(entry) and entry["性别"] != sex
            mine["has_birth_conflict"] = bool(entry) and entry["出生日期"] != born
            mine["register_status"] = (
                _STATUS.get(entry.get("变更类型", ""), "registered") if entry else "unregistered"
            )
            born = entry["出生日期"] if entry else born
            mine["birth_year"], today = born.year, self._now.date()
            age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
            mine["age_band"] = (
                "00-19" if age < 20 else "20-49" if age < 50 else "50-59" if age < 60 else "60-"
            )
        return dict(found)

    # ---- legal persons -----------------------------------------------------------------------------------------

    def legal_persons(self) -> dict[str, Row]:
        """Every legal person by its organisation code."""
        found: dict[str, Row] = defaultdict(lambda: self._nobody() | dict.fromkeys(_OF_FIRMS, 0))
        self._activity("legal_person", found)
        self._accounts("legal_person", found)
        self._licences("legal_person", found)
        classes: dict[str, str] = {}
        for table, column in _FIRMS_IN:
            for row in self._read("select * from '{}'", table):
                number = row[column]
                if number and len(number) == 18:
                    classes.setdefault(self._plain(number)[1], number[:2])
        for case in self.cases:
            if (
                len(case["applicant_id_no"]) == 18
                and self._plain(case["applicant_id_no"])[0] == "legal_person"
            ):
                classes.setdefault(self._plain(case["applicant_id_no"])[1], case["applicant_id_no"][:2])
        for table, key, column, counts in (
            ("investment_projects__xm", "xmdm", "xmdw", lambda row: ["project_count"]),
            ("public_resources__deals", "deal_no", "winner_credit_code", lambda row: ["deal_won_count"]),
            ("credit__xyjl", "jlbh", "tyshxydm", lambda row: [_CREDIT[row["jllx"]]]),
            ("market_supervision__jcjl", "jcbh", "tyshxydm", lambda row: ["inspection_count"]),
        ):
            for row in self.rows(table, key):
                if row[column]:
                    for count in counts(row):
                        found[self.owner(row[column])[1]][count] += 1
        ended: dict[str, str] = {}
        for row in self.rows("legal_person_register__fr_bgjl", "bgxh"):
            number = self.owner(row["tyshxydm"])[1]
            if row["bglx"] == "注销":
                ended[number] = "deregistered"
            elif row["bglx"] == "合并" and row["js"] == "乙方":
                ended[number] = "merged"
        register = {
            self._plain(row["tyshxydm"])[1]: row["lx"]
            for row in self.rows("legal_person_register__fr_jbxx", "tyshxydm")
        }
        for number in {*register, *ended}:
            found[number]["is_registered"] = number in register
        for number, mine in found.items():
            mine["is_registered"] = number in register
            kind = _KINDS.get(register[number], "social_organisation") if number in register else None
            mine["legal_person_kind"] = kind or _CLASSES.get(classes.get(number, ""), "unknown")
            status = "existing" if number in register else "unregistered"
            mine["legal_person_status"] = ended.get(number, status)
        return dict(found)


_OF_FIRMS = (
    "project_count",
    "deal_won_count",
    "red_list_count",
    "black_list_count",
    "penalty_count",
    "inspection_count",
)
_CREDIT = {"红名单": "red_list_count", "黑名单": "black_list_count", "行政处罚": "penalty_count"}
_FIRMS_IN = (
    ("identity__accounts", "id_no"),
    ("legal_person_register__fr_bgjl", "tyshxydm"),
    ("legal_person_register__fr_jbxx", "tyshxydm"),
    ("market_supervision__jcjl", "tyshxydm"),
    ("elicence__licences", "holder_id_no"),
    ("investment_projects__xm", "xmdw"),
    ("public_resources__deals", "winner_credit_code"),
    ("credit__xyjl", "tyshxydm"),
)
