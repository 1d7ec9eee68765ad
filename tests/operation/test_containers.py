"""docker-compose.yml and the Dockerfiles, checked without an engine: by schema, by linter, by rules of the house."""

import re
import subprocess
import sys
from pathlib import Path

import dockerfile
import pytest
import yaml

from operation import keys
from operation.services import PROBE, declared
from tests.house.tree import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
OURS = declared()
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
BIN = Path(sys.executable).parent
A_VERSION = re.compile(r":\d+\.\d+(\.\d+)?(-[\w.-]+)?$")


def said_by(*command):
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_file_is_one_by_the_compose_specification():
    schema = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    assert said_by(*schema, "docker-compose.yml") == (0, "ok -- validation done\n")


def test_the_schema_sees_a_misspelt_key(tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(
        (ROOT / "docker-compose.yml").read_text("utf-8").replace("cap_drop:", "cap_drops:"), "utf-8"
    )
    code, said = said_by("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong))
    assert code == 1 and "cap_drops" in said


def test_the_security_linter_finds_nothing_but_what_is_excused_with_a_reason():
    code, said = said_by("compose-lint", "check", "--strict-config", "--fail-on", "low", "docker-compose.yml")
    assert code == 0, said
    excused = yaml.safe_load((ROOT / ".compose-lint.yml").read_text("utf-8"))["rules"]
    assert excused and all(rule["reason"] for rule in excused.values())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_no_more_than_it_must(name):
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert int(user) > 0 and int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "pid", "ipc"} & set(service)
    assert service.get("network_mode", "service:").startswith("service:")
    # What it may use of the machine is bounded: memory, processor, processes, log.
    assert service["mem_limit"] and service["cpus"] and service["pids_limit"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["stop_grace_period"]
    # From outside it is reached on the loopback alone, on a port that a setting chooses.
    for port in service.get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{WANGTING_\w+_PORT:-\d+\}:\d+", port)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_and_is_well_or_ends(name):
    service = SERVICES[name]
    assert A_VERSION.search(service["image"])
    is_awaited = any(
        about.get("depends_on", {}).get(name, {}).get("condition") == "service_completed_successfully"
        for about in SERVICES.values()
    )
    if is_awaited:
        assert service["restart"] == "no" and "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"][0] == "CMD"
    for other, about in service.get("depends_on", {}).items():
        assert about["condition"] in ("service_healthy", "service_completed_successfully")
        assert about["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]
    assert service["labels"]["wangting.title"]


def mounts(name):
    """(source, target, read only) of a service's volumes."""
    return [(*each.split(":")[:2], each.endswith(":ro")) for each in SERVICES[name].get("volumes", [])]


def test_what_is_only_read_is_mounted_to_read():
    # Of the house Superset has the releases alone; what faces the city or the public has nothing that it could write.
    assert ("releases", "/var/lib/wangting/releases", True) in mounts("superset")
    assert {source for source, *_ in mounts("superset")} == {"releases", "superset"}
    assert all(read_only for name in ("entrance", "open-data") for *_, read_only in mounts(name))
    files = [mount for name in SERVICES for mount in mounts(name) if mount[0].startswith(".")]
    assert files and all(read_only and (ROOT / source).is_file() for source, _, read_only in files)


def test_every_volume_is_declared_and_has_its_folder_in_the_image_that_writes_it():
    used = {source for name in SERVICES for source, *_ in mounts(name) if not source.startswith(".")}
    assert used == set(COMPOSE["volumes"])
    for name in OURS:
        made = (ROOT / SERVICES[name]["build"]["dockerfile"]).read_text("utf-8")
        assert all(target in made for _, target, read_only in mounts(name) if not read_only), name


def test_every_secret_comes_from_a_file_that_make_secrets_writes(tmp_path):
    assert {name for service in SERVICES.values() for name in service.get("secrets", [])} == set(
        COMPOSE["secrets"]
    )
    assert {Path(about["file"]).name for about in COMPOSE["secrets"].values()} == set(COMPOSE["secrets"])
    new = keys.write(tmp_path / "secrets")
    assert {file.name for file in new} == set(COMPOSE["secrets"])
    assert keys.write(tmp_path / "secrets") == []
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert len({file.read_text() for file in new}) == len(new)
    # Where a service is given an address, it names a container that is there.
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("_ADDRESS"):
                assert re.fullmatch(r"http://([\w-]+):\d+", value)[1] in SERVICES


def test_what_is_started_is_in_the_tree_and_asked_by_the_probe():
    for name, service in OURS.items():
        program, *words = service.command
        assert program in ("python", "wangting"), name
        if words[0] == "-m":
            assert (ROOT / f"{words[1].replace('.', '/')}.py").is_file()
        elif program == "python":
            assert (ROOT / words[0]).is_file()
        assert service.is_once or service.probe, name
        if service.probe:
            assert SERVICES[name]["healthcheck"]["test"][:3] == ["CMD", "python", PROBE]
            assert service.probe[0] in SERVICES[name]["environment"]


def stages(path):
    """The commands of each stage of a Dockerfile, as the engine's own parser reads them."""
    found = []
    for command in dockerfile.parse_file(str(path)):
        if command.cmd == "FROM":
            found.append([])
        found[-1].append(command)
    return found


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_is_built_from_pinned_bases_and_hashed_locks(path):
    made = stages(path)
    bases = {stage[0].value[0] for stage in made}
    assert all(A_VERSION.search(base) for base in bases)
    commands = [command for stage in made for command in stage]
    assert not [command for command in commands if command.cmd in ("ADD", "MAINTAINER", "ONBUILD")]
    installs = [
        command.value[0] for command in commands if command.cmd == "RUN" and "install --" in command.value[0]
    ]
    for words in installs:
        for step in re.findall(r"(?:pip|uv pip) install[^&]*", words):
            assert "--require-hashes" in step or "--no-deps" in step, step
    assert not re.search(r"curl|wget|apt-get|git clone|https?://", path.read_text("utf-8"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_holds_no_tools_and_no_root(path):
    *_, last = stages(path)
    assert len(stages(path)) > 1
    named = {command.cmd: command for command in last}
    uid = named["USER"].value[0]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", uid)
    assert named["CMD"].json and named["WORKDIR"].value == ("/opt/wangting",)
    # The whole context comes into the first stage at most, and nothing is installed in the last.
    assert not [command for command in last if command.cmd == "COPY" and command.value[0] == "."]
    assert not [command for command in last if command.cmd == "RUN" and "pip" in command.value[0]]
    assert re.search(r"uv pip uninstall --python \S+ uv pip setuptools", path.read_text("utf-8"))
    users = {
        SERVICES[name]["user"] for name in OURS if SERVICES[name]["build"]["dockerfile"].endswith(path.name)
    }
    assert users == {uid}


def test_nothing_secret_and_nothing_made_comes_into_an_image():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert not let_in & {"secrets", "var", ".git", ".venv", "tests"}
    copied = {
        source.split("/")[0]
        for path in DOCKERFILES
        for stage in stages(path)
        for command in stage
        if command.cmd == "COPY" and not command.flags
        for source in command.value[:-1]
        if source != "."
    }
    assert copied <= let_in
    assert all((ROOT / name).exists() for name in let_in)


@pytest.mark.parametrize("command", [["sh", "-n", "docker/postgres-init.sh"]], ids=" ".join)
def test_a_script_is_one(command):
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
