"""A site that takes over another one: what it gets, leaves out and has of its own."""

import shutil

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from wangting import site as sites
from wangting import site_folders
from wangting.dbt_assembly import assemble
from wangting.errors import WangtingError
from wangting.settings import REPOSITORY

SITE = """
name: {name}
title: 测试市
division: "445100000000"
zone: Asia/Shanghai
plan: CZ17
go_live: 2017-11-30 08:00:00
province: {{dept_code: "445100000000"}}
{rest}
"""
SOURCE = """
title: {title}
owner: 测试局
connect: files
url: ${{DROP}}
zone: Asia/Shanghai
schedule: every 1 day
silent_after: 40 working hours
tables:
  rows: {{title: 行, pattern: "*.csv", key: [no], columns: {{no: string}}}}
"""
MODEL = "select no as item_code from {{{{ source('{source}', 'rows') }}}} -- {mark}\n"


def make(folder, rest="", sources=(), seeds=(), mark="own"):
    """A site in `folder`: sources with a staging model each, seeds with a word in them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.yml").write_text(SITE.format(name=folder.name, rest=rest), "utf-8")
    for name in sources:
        (folder / "sources" / name).mkdir(parents=True)
        (folder / "sources" / name / "source.yml").write_text(SOURCE.format(title=f"{mark}{name}"), "utf-8")
        (folder / "staging" / name).mkdir(parents=True)
        model = folder / "staging" / name / f"stg_{name}__items.sql"
        model.write_text(MODEL.format(source=name, mark=mark), "utf-8")
    (folder / "seeds").mkdir(exist_ok=True)
    for name, text in dict(seeds).items():
        (folder / "seeds" / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def parent(tmp_path):
    return make(
        tmp_path / "parent",
        "precedence: [alpha, beta]",
        ["alpha", "beta"],
        {"units.csv": "unit_code,unit_name\n1,parent\n", "regions.csv": "region_code,statutory_code\n1,1\n"},
        mark="parent",
    )


def titles(folder):
    return {source.name: source.title for source in sites.at(folder).sources}


def test_a_site_takes_over_sources_staging_and_seeds(parent, tmp_path):
    heir = make(tmp_path / "heir", "inherits: ../parent")
    site = sites.at(heir)
    assert titles(heir) == {"alpha": "parentalpha", "beta": "parentbeta"}
    assert site.precedence == ["alpha", "beta"]
    assert [row["unit_name"] for row in site.seed("units.csv")] == ["parent"]
    assert site.folders.staging["alpha"] == parent / "staging" / "alpha"


def test_what_it_has_of_its_own_stands_in_the_others_place(parent, tmp_path):
    heir = make(
        tmp_path / "heir",
        "inherits: ../parent",
        ["beta", "gamma"],
        {"units.csv": "unit_code,unit_name\n1,heir\n"},
    )
    site = sites.at(heir)
    assert titles(heir) == {"alpha": "parentalpha", "beta": "ownbeta", "gamma": "owngamma"}
    assert [row["unit_name"] for row in site.seed("units.csv")] == ["heir"]
    assert [row["region_code"] for row in site.seed("regions.csv")] == ["1"]
    assert site.folders.staging["beta"] == heir / "staging" / "beta"


def test_what_it_leaves_out_is_gone_with_its_staging_and_its_place_in_the_order(parent, tmp_path):
    heir = make(tmp_path / "heir", "inherits: ../parent\nwithout: [alpha, units]")
    site = sites.at(heir)
    assert titles(heir) == {"beta": "parentbeta"}
    assert set(site.folders.staging) == {"beta"} and site.precedence == ["beta"]
    assert site.seed("units.csv") == []


def test_the_order_of_sources_may_name_the_inherited_one(parent, tmp_path):
    heir = make(
        tmp_path / "heir", "inherits: ../parent\nprecedence: [gamma, inherited, delta]", ["gamma", "delta"]
    )
    assert sites.at(heir).precedence == ["gamma", "alpha", "beta", "delta"]
    child = make(tmp_path / "child", "inherits: ../heir\nwithout: [gamma]\nprecedence: [beta, inherited]")
    assert sites.at(child).precedence == ["beta", "alpha", "delta"]


def test_a_name_of_a_site_in_the_repository_is_enough(tmp_path):
    site = sites.at(make(tmp_path / "far" / "away", "inherits: chaozhou"))
    known = sites.at(REPOSITORY / "sites" / "chaozhou")
    assert [source.name for source in site.sources] == [source.name for source in known.sources]
    assert site.precedence == known.precedence


def test_each_source_keeps_the_code_maps_of_the_site_that_it_comes_from(parent, tmp_path):
    head = "source,list,source_code,code\n"
    (parent / "seeds" / "code_maps.csv").write_text(f"{head}alpha,channel,a,1\nbeta,channel,b,2\n", "utf-8")
    heir = make(tmp_path / "heir", "inherits: ../parent", (), {"code_maps.csv": f"{head}beta,channel,c,8\n"})
    assert site_folders.code_maps(sites.at(heir).folders) == {
        "alpha": {"channel": {"a": "1"}},
        "beta": {"channel": {"c": "8"}},
    }


@pytest.mark.parametrize(
    ("rest", "what"),
    [
        ("inherits: nowhere", "找不到所继承的站点 nowhere"),
        ("inherits: ../heir", "继承成了一圈"),
        ("inherits: ../parent\nwithout: [omega]", "omega"),
        ("without: [alpha]", "without 只能与 inherits 一起用"),
        ("inherits: [a]", "inherits：应为文字"),
        ("inherits: ../parent\nwithout: alpha", "without：应为列表"),
        ("inherits: ../parent\nprecedence: [inherited, omega]", "omega"),
    ],
)
def test_what_does_not_fit_is_said_with_its_file(parent, tmp_path, rest, what):
    heir = make(tmp_path / "heir", rest)
    with pytest.raises(WangtingError, match=r"site\.yml") as refused:
        sites.at(heir)
    assert what in str(refused.value)


def test_a_longer_circle_is_one_too(parent, tmp_path):
    make(parent, "inherits: ../heir")
    with pytest.raises(WangtingError, match="继承成了一圈"):
        sites.at(make(tmp_path / "heir", "inherits: ../parent"))


def test_a_change_of_the_inherited_site_is_seen_at_once(parent, tmp_path):
    heir = make(tmp_path / "heir", "inherits: ../parent")
    assert sites.at(heir) is sites.at(heir)
    make(parent, "precedence: [alpha, beta]", ["gamma"], mark="new")
    assert titles(heir)["gamma"] == "newgamma"
    shutil.rmtree(parent / "sources" / "gamma")
    assert "gamma" not in titles(heir)
    (parent / "sources" / "beta" / "source.yml").write_text(SOURCE.format(title="other"), "utf-8")
    assert titles(heir)["beta"] == "other"
    make(parent, "precedence: [beta, alpha]")
    assert sites.at(heir).precedence == ["beta", "alpha"]


def test_a_lanes_project_has_all_models_and_follows_their_change(home, parent, tmp_path):
    heir = make(tmp_path / "heir", "inherits: ../parent", ["beta"])
    first = assemble("exchange", sites.at(heir))
    staging = first.folder / "staging"
    assert (staging / "alpha" / "stg_alpha__items.sql").read_text("utf-8").endswith("-- parent\n")
    assert (staging / "beta" / "stg_beta__items.sql").read_text("utf-8").endswith("-- own\n")
    assert assemble("exchange", sites.at(heir)).fingerprint == first.fingerprint
    (parent / "staging" / "alpha" / "stg_alpha__items.sql").write_text(
        MODEL.format(source="alpha", mark="changed"), "utf-8"
    )
    second = assemble("exchange", sites.at(heir))
    assert second.fingerprint != first.fingerprint
    make(heir, "inherits: ../parent\nwithout: [alpha]")
    assert assemble("exchange", sites.at(heir)).fingerprint != second.fingerprint
    assert not (staging / "alpha" / "stg_alpha__items.sql").exists()


def test_assembling_never_writes_behind_a_link(home, parent, tmp_path):
    """A project that an earlier version had linked folder by folder must not make the site's own files links."""
    before = {file: file.read_bytes() for file in parent.rglob("*") if file.is_file()}
    lane = home / "dbt" / "exchange"
    (lane / "staging").mkdir(parents=True)
    (lane / "staging" / "alpha").symlink_to(parent / "staging" / "alpha", target_is_directory=True)
    (lane / "site_seeds").symlink_to(parent / "seeds", target_is_directory=True)
    assemble("exchange", sites.at(parent))
    assert {file: file.read_bytes() for file in parent.rglob("*") if file.is_file()} == before
    assert not [file for file in parent.rglob("*") if file.is_symlink()]


def test_a_seed_of_the_products_own_may_be_the_sites(home, parent):
    (parent / "seeds" / "levels.csv").write_text("level_code,level_name,sort_order\ntown,镇、村,1\n", "utf-8")
    folder = assemble("warehouse", sites.at(parent)).folder
    assert "镇、村" in (folder / "seeds" / "product" / "levels.csv").read_text("utf-8")
    assert not (folder / "site_seeds" / "levels.csv").exists()
    assert (folder / "seeds" / "product" / "plans.csv").exists()


def test_a_model_outside_any_sources_folder_is_refused(home, parent):
    (parent / "staging" / "stg_alpha__items.sql").write_text("select 1", "utf-8")
    with pytest.raises(WangtingError, match="来源自己的目录"):
        assemble("exchange", sites.at(parent))


NAMES = st.sets(st.sampled_from("abcdef"), max_size=6)


@how(max_examples=40, deadline=None)
@given(grand=NAMES, parent=NAMES, own=NAMES, data=st.data())
def test_a_chain_of_sites_holds_the_nearest_of_each_name(tmp_path_factory, grand, parent, own, data):
    folder = tmp_path_factory.mktemp("chain")
    out = data.draw(
        st.sets(st.sampled_from(sorted(grand | parent)), max_size=3) if grand | parent else st.just(set())
    )
    rest = f"\nwithout: [{', '.join(sorted(out))}]" if out else ""
    make(folder / "grand", "precedence: []", grand, mark="grand")
    make(folder / "parent", "inherits: ../grand", parent, mark="parent")
    make(folder / "own", f"inherits: ../parent{rest}", own)
    expected = {name: f"grand{name}" for name in grand} | {name: f"parent{name}" for name in parent}
    expected = {name: title for name, title in expected.items() if name not in out}
    assert titles(folder / "own") == expected | {name: f"own{name}" for name in own}
