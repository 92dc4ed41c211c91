"""The files by which Optoscope is installed and deployed agree with the program and each other."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
PARTS = ("dev", "run", "web", "worker", "build")
ONE_SHOT = {"migrate"}
OURS = re.compile(r"^optoscope-(web|worker):\d+\.\d+\.\d+$")
PINNED = re.compile(r"^[a-z/.-]+:\d+\.\d+(\.\d+)?(-[a-z0-9]+)*@sha256:[0-9a-f]{64}$")
PLACE = ROOT / "deploy" / "compose"
FURTHER = {path.name: yaml.safe_load(path.read_text()) for path in sorted(PLACE.glob("*.yml"))}
WHOLE = {"docker-compose.yml": COMPOSE, **FURTHER}
# Of the Compose specification, those that are used: a slip would be of another name.
KNOWN = re.compile(
    "image|build|command|entrypoint|user|environment|secrets|volumes|tmpfs|ports|networks|"
    "network_mode|depends_on|restart|stop_grace_period|healthcheck|init|shm_size|profiles|deploy|"
    "read_only|cap_drop|cap_add|security_opt|logging"
)
# Services of their own; in a file that is laid over the first, those that it only changes are none.
ALL = [
    pytest.param(service, id=f"{file}:{name}")
    for file, content in WHOLE.items()
    for name, service in content["services"].items()
    if "image" in service
]


def stages() -> dict[str, str]:
    """The text of every stage of the Dockerfile, by its name, with the stage it is built on."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    parts = re.split(r"^FROM (\S+) AS (\S+)$", text, flags=re.MULTILINE)[1:]
    return {
        name: f"FROM {image}\n{body}"
        for image, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def locked(part: str) -> dict[str, Requirement]:
    """The packages of a lock file by name, as the Python that runs this takes them."""
    lines = (ROOT / "requirements" / f"{part}.txt").read_text().splitlines()
    pins = [Requirement(line.strip(" \\")) for line in lines if re.match(r"\w", line)]
    pins = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    by_name = {canonicalize_name(pin.name): pin for pin in pins}
    assert len(by_name) == len(pins), "a package is locked twice"
    return by_name


def group(name: str) -> set[str]:
    """The requirements of a dependency group, those of the groups that it includes among them."""
    found: set[str] = set()
    for line in PYPROJECT["dependency-groups"][name]:
        found |= group(line["include-group"]) if isinstance(line, dict) else {line}
    return found


def test_what_the_parts_need_is_what_the_program_needs():
    """An installation has all of it; an image the groups of its part."""
    parts = ("web", "worker", "embedded", "client")

    assert set().union(*map(group, parts)) == set(PYPROJECT["project"]["dependencies"])
    assert not {"torch", "numpy"} & {Requirement(line).name for line in group("web")}


@pytest.mark.parametrize(
    ("part", "groups"),
    [
        ("run", ["web", "worker", "embedded", "client", "build"]),
        ("web", ["web-image"]),
        ("worker", ["worker-image"]),
        ("build", ["build"]),
    ],
)
def test_what_a_part_needs_is_locked_as_it_asks_for_it_and_as_everything_is(part, groups):
    pins, everything = locked(part), locked("dev")

    for line in set().union(*map(group, groups)):
        wanted = Requirement(line)
        if wanted.name != "torch":
            assert wanted.specifier.contains(version_of(pins[canonicalize_name(wanted.name)])), line
    assert {name: str(pin) for name, pin in pins.items()} == {
        name: str(everything[name]) for name in pins
    }


def test_what_tests_need_is_locked():
    pins = locked("dev")
    for extra in PYPROJECT["project"]["optional-dependencies"].values():
        for wanted in map(Requirement, extra):
            assert wanted.specifier.contains(version_of(pins[canonicalize_name(wanted.name)]))


def version_of(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


@pytest.mark.parametrize("part", PARTS)
def test_lock_files_have_a_hash_of_every_file_and_no_torch(part):
    """Which build of torch fits is a matter of the machine."""
    text = (ROOT / "requirements" / f"{part}.txt").read_text()
    names = {pin.name for pin in locked(part).values()}

    assert text.count("--hash=sha256:") >= len(names)
    assert all(str(pin.specifier).startswith("==") for pin in locked(part).values())
    assert not [name for name in names if re.match(r"torch|triton|nvidia|cuda", name)]


def test_the_torch_that_make_installs_is_one_that_the_wheel_takes():
    [torch] = locked("torch").values()
    [wanted] = [one for one in map(Requirement, group("worker")) if one.name == "torch"]

    assert wanted.specifier.contains(version_of(torch))
    assert "+" not in str(torch.specifier)


def test_front_end_lock_file_pins_what_is_asked_for_and_names_no_registry():
    asked = json.loads((ROOT / "package.json").read_text())["dependencies"]
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    assert all(entry["integrity"] for name, entry in packages.items() if name)
    assert "http" not in text


def test_images_have_what_their_part_needs_and_the_wheel_without_more():
    for name in ("web", "worker"):
        stage = stages()[name]
        assert stage.startswith("FROM base")
        assert f"pip install --require-hashes -r requirements/{name}.txt" in stage
        assert "pip install --no-deps /dist/*.whl" in stage
        assert "s3fs" in locked(name)


def test_the_web_image_has_no_science_and_the_worker_image_a_compiler():
    assert "torch" not in stages()["web"]
    assert "numpy" not in locked("web")
    assert "g++" in stages()["worker"]
    assert "requirements/torch.txt" in stages()["worker"]


@pytest.mark.parametrize("name", ["web", "worker"])
def test_images_run_one_command_as_an_ordinary_user_and_tell_their_health(name):
    lines = stages()[name].splitlines()

    assert sum(line.startswith("CMD ") for line in lines) == 1
    assert sum(line.startswith("HEALTHCHECK ") for line in lines) == 1
    assert [line for line in lines if line.startswith("USER ")] == ["USER optoscope"]


def test_images_hold_only_files_that_exist():
    for stage in stages().values():
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", stage, flags=re.MULTILINE):
            for source in sources.split():
                assert (ROOT / source).exists(), source


def test_every_image_is_pinned():
    bases = [text.split()[1] for text in stages().values()]
    images = [base for base in bases if base not in stages()]
    images += [
        one["image"]
        for file in WHOLE.values()
        for one in file["services"].values()
        if "image" in one
    ]

    assert not [image for image in images if not PINNED.match(image) and not OURS.match(image)]


@pytest.mark.parametrize("file", WHOLE)
def test_services_say_nothing_that_compose_does_not_know(file):
    known = {"name", "services", "secrets", "volumes", "networks"}
    assert {key for key in WHOLE[file] if not key.startswith("x-")} <= known
    for service in WHOLE[file]["services"].values():
        assert not [key for key in service if not KNOWN.fullmatch(key)]


@pytest.mark.parametrize("service", ALL)
def test_a_hole_in_a_container_gains_little_and_its_log_ends(service):
    if service["restart"] == "no" and "entrypoint" in service:  # copies a key, and is gone
        assert service["cap_drop"] == ["ALL"]
        return
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", ())) <= {"NET_BIND_SERVICE"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert any(place.startswith("/tmp") for place in service["tmpfs"])


@pytest.mark.parametrize("file", WHOLE)
def test_no_secret_is_in_an_environment_or_on_a_command_line(file):
    for name, service in WHOLE[file]["services"].items():
        told = {**service.get("environment", {}), "command": str(service.get("command", ""))}
        for setting, value in told.items():
            is_file = setting.endswith("_FILE")
            assert is_file or not re.search("PASSWORD|TOKEN|SECRET", setting), (name, setting)
            assert not re.search(r"://[^/]*:[^/@]*@|requirepass \$\{|PASSWORD", str(value)), (
                name,
                value,
            )


def test_secrets_that_services_read_are_declared_as_files():
    for content in (COMPOSE, FURTHER["worker.yml"]):
        declared = content["secrets"]
        used = {
            one for service in content["services"].values() for one in service.get("secrets", ())
        }
        assert used == set(declared)
        assert all(set(secret) == {"file"} for secret in declared.values())


def test_a_store_on_s3_comes_with_its_keys_to_whoever_uses_it():
    for name in ("web", "worker", "worker-gpu", "backup"):
        service = SERVICES[name]
        assert (
            service["environment"]["AWS_SHARED_CREDENTIALS_FILE"] == "/run/secrets/s3_credentials"
        )
        assert "s3_credentials" in service["secrets"]


def test_a_further_machine_has_workers_alone_and_checks_whom_it_talks_to():
    for service in FURTHER["worker.yml"]["services"].values():
        told = service["environment"]
        assert service["image"].startswith("optoscope-worker:")
        assert "sslmode=verify-full&sslrootcert=" in told["OPTOSCOPE_DATABASE_URL"]
        assert told["OPTOSCOPE_REDIS_URL"].startswith("rediss://")
        assert "ssl_cert_reqs=required&ssl_ca_certs=" in told["OPTOSCOPE_REDIS_URL"]
        assert told["OPTOSCOPE_STORE_URL"].startswith("${OPTOSCOPE_STORE_URL:?")


def test_workers_are_started_for_every_gpu_and_asked_whether_they_work():
    assert 'CMD ["optoscope", "worker"]' in stages()["worker"]
    assert '["optoscope", "health"]' in stages()["worker"]
    for content in (COMPOSE, FURTHER["worker.yml"]):
        for name in ("worker", "worker-gpu"):
            assert content["services"][name]["healthcheck"]["test"] == [
                "CMD",
                "optoscope",
                "health",
            ]
            assert "command" not in content["services"][name]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_tells_its_health_or_ends_by_itself(name):
    check = SERVICES[name]["healthcheck"]

    assert ("test" in check) != (name in ONE_SHOT)
    assert (SERVICES[name]["restart"] == "no") == (name in ONE_SHOT)


@pytest.mark.parametrize("name", ["migrate", "web", "worker", "worker-gpu"])
def test_services_are_told_of_settings_that_exist(name):
    fields = {f"OPTOSCOPE_{field}".upper() for field in Settings.model_fields}
    environment = SERVICES[name]["environment"]

    assert {one for one in environment if not one.startswith("AWS_")} <= fields
    assert environment["OPTOSCOPE_DATABASE_URL"].startswith("postgresql://")
    assert environment["OPTOSCOPE_DATABASE_URL"].endswith("@postgres:5432/optoscope")
    assert environment["OPTOSCOPE_REDIS_URL"].startswith("redis://redis:6379")


def test_a_worker_takes_a_gpu_only_in_the_profile_that_says_so():
    worker, on_gpu = SERVICES["worker"], SERVICES["worker-gpu"]
    (device,) = on_gpu["deploy"]["resources"]["reservations"]["devices"]

    assert not {"profiles", "deploy"} & worker.keys()
    assert on_gpu["profiles"] == ["gpu"]
    assert on_gpu["environment"] == worker["environment"] | {"OPTOSCOPE_DEVICE": "cuda"}
    # `count: 1` is the first GPU, for every replica; all are for one, with a process for each.
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_built_services_name_stages_of_the_dockerfile():
    built = {service["build"]["target"] for service in SERVICES.values() if "build" in service}

    assert built == {"web", "worker"}
    assert built <= set(stages())


def test_named_volumes_are_declared_and_used():
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if re.match("[a-z]", volume)  # the others are folders
    }

    assert used == set(COMPOSE["volumes"])


def test_make_has_the_documented_targets():
    text = (ROOT / "Makefile").read_text()

    for target in ("run", "test", "quick", "check", "bench"):
        assert re.search(rf"^{target}:.*##", text, flags=re.MULTILINE)


def test_the_image_of_pages_asks_for_a_token_that_compose_gives_as_a_secret():
    """It listens to every address of its container."""
    web = SERVICES["web"]

    assert 'CMD ["optoscope", "web", "--host", "0.0.0.0"' in stages()["web"]
    assert web["environment"]["OPTOSCOPE_TOKEN_FILE"] == "/run/secrets/token"
    assert "token" in web["secrets"]
    assert COMPOSE["secrets"]["token"]["file"]
