"""What every file of cluster/ promises, as far as it can be seen without a cluster."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
LAUNCHER = ("local", "aws", "aws_spot", "gcp", "gcp_spot")
KUBERAY = ("kuberay_cluster", "kuberay_job")
COMMANDS = {
    "setup.sh": "bash ~/sweeper/cluster/setup.sh",
    "slurm.sh": "sbatch cluster/slurm.sh",
    "submit.py": "ray submit cluster/local.yaml cluster/submit.py -- run",
    "node_check.py": "python cluster/node_check.py --results",
    "spot_notice.py": "python",
    "Dockerfile": "docker build --file cluster/Dockerfile",
    "mlflow/compose.yaml": "docker compose --file cluster/mlflow/compose.yaml up",
    "mlflow/Dockerfile": "docker compose --file cluster/mlflow/compose.yaml",
    "mlflow/server.sh": "bash cluster/mlflow/server.sh",
    "mlflow/secrets.sh": "bash cluster/mlflow/secrets.sh",
    **{f"{name}.yaml": f"ray up -y cluster/{name}.yaml" for name in LAUNCHER},
    "kuberay_cluster.yaml": "kubectl apply --filename cluster/kuberay_cluster.yaml",
    "kuberay_job.yaml": "kubectl create --filename cluster/kuberay_job.yaml",
}
PLAIN = {
    "README.md",
    "Dockerfile.dockerignore",
    "mlflow/Dockerfile.dockerignore",
    "mlflow/auth.ini",
}


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CLUSTER / f"{name}.yaml").read_text())
    return found


def shipped() -> list[str]:
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=CLUSTER, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in said.stdout.splitlines() if not name.endswith(".gitignore")]


def test_every_file_begins_with_the_command_to_use_it() -> None:
    for name in set(shipped()) - PLAIN:
        head = "\n".join((CLUSTER / name).read_text().splitlines()[:4])
        assert COMMANDS[name] in head, name


@pytest.mark.parametrize("name", LAUNCHER)
def test_a_cluster_file_is_one_that_ray_takes(name: str) -> None:
    config = prepare_config(read(name))
    validate_config(config)
    assert config["max_workers"] > 0


@pytest.mark.parametrize("name", LAUNCHER)
def test_what_is_mounted_and_started_is_there(name: str) -> None:
    config = read(name)
    mounts = config["file_mounts"]
    for there, here in mounts.items():
        assert (ROOT / here).exists() or here.startswith("~/.ray/"), (there, here)
    commands = [
        command for key, value in config.items() if key.endswith("commands") for command in value
    ]
    for script in re.findall(r"~/sweeper/(\S+\.(?:py|sh))", " ".join(commands)):
        assert (ROOT / script).is_file(), script
    # what the code imports, and what hatchling wants for an editable install, travels
    for needed in ("sweeper", "methods", "reports", "pyproject.toml", "README.md", "LICENSE"):
        assert mounts[f"~/sweeper/{needed}"] == needed


@pytest.mark.parametrize("name", LAUNCHER)
def test_a_cluster_asks_for_the_token_and_shows_its_dashboard_to_nobody(name: str) -> None:
    config = read(name)
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert any("cluster/setup.sh" in command for command in config["setup_commands"])
    assert "RAY_AUTH_MODE=token" in (CLUSTER / "setup.sh").read_text()
    start = config["head_start_ray_commands"]
    assert "--dashboard-host=127.0.0.1" in start[-1]
    assert "node_check.py" in start[0]
    assert "node_check.py" in config["worker_start_ray_commands"][0]


@pytest.mark.parametrize("name", LAUNCHER)
def test_what_a_user_changes_stands_at_the_top_and_is_used_below(name: str) -> None:
    text = (CLUSTER / f"{name}.yaml").read_text()
    marked, below = text.split("\ncluster_name:")
    assert "metadata: # change what stands here, and nothing below" in marked
    for anchor in re.findall(r": &(\w+)", marked):
        assert f"*{anchor}" in below, anchor
    for own in (r"\d+\.\d+\.\d+\.\d+", r"(?:ami|sg|subnet|fs)-0", "my-project"):
        assert set(re.findall(own, below)) <= {"127.0.0.1"}, own


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_spot_file_differs_in_the_workers_alone(cloud: str) -> None:
    firm, spot = read(cloud), read(f"{cloud}_spot")
    added = spot["worker_start_ray_commands"].pop()
    assert f"spot_notice.py --provider {cloud}" in added
    firm_worker = firm["available_node_types"]["worker"].pop("node_config")
    spot_worker = spot["available_node_types"]["worker"].pop("node_config")
    assert firm == spot
    differing = {key for key in spot_worker if spot_worker[key] != firm_worker.get(key)}
    assert differing == ({"InstanceMarketOptions"} if cloud == "aws" else {"scheduling"})
    assert "spot" in str(spot_worker).lower()
    assert "spot" not in str(firm["available_node_types"]["head"]).lower()


def pods(name: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """The cluster's specification, its pods, and the documents of the file."""
    documents = list(yaml.safe_load_all((CLUSTER / f"{name}.yaml").read_text()))
    spec = documents[-1]["spec"]
    spec = spec.get("rayClusterSpec", spec)
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    return spec, [group["template"]["spec"] for group in groups], documents


@pytest.mark.parametrize("name", KUBERAY)
def test_a_manifest_is_what_kuberay_documents(name: str) -> None:
    spec, _, documents = pods(name)
    kinds = [(document["apiVersion"], document["kind"]) for document in documents]
    assert kinds[-1] == ("ray.io/v1", "RayCluster" if name == "kuberay_cluster" else "RayJob")
    assert set(spec) == {
        "rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "authOptions",
        "headGroupSpec", "workerGroupSpecs",
    }  # fmt: skip
    lock = (ROOT / "requirements.lock").read_text()
    assert f"ray=={spec['rayVersion']}" in lock
    (group,) = spec["workerGroupSpecs"]
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    if name == "kuberay_job":
        words = documents[-1]["spec"]["entrypoint"].split()
        assert words[:2] == ["sweeper", "run"]
        assert (ROOT / words[2].removeprefix("/opt/sweeper/")).is_file()


@pytest.mark.parametrize("name", KUBERAY)
def test_pods_share_the_results_ask_for_the_token_and_have_no_rights(name: str) -> None:
    spec, found, _ = pods(name)
    assert spec["authOptions"] == {"mode": "token", "secretName": "sweeper-token"}
    assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"
    for pod in found:
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert {
            "name": "results",
            "persistentVolumeClaim": {"claimName": "sweeper-results"},
        } in pod["volumes"]
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["image"] == found[0]["containers"][0]["image"]
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert {"name": "results", "mountPath": "/results"} in container["volumeMounts"]
        assert {"name": "SWEEPER_RESULTS", "value": "/results"} in pod["containers"][0]["env"]


def test_the_claim_can_be_written_by_all_nodes() -> None:
    _, _, (claim, _) = pods("kuberay_cluster")
    assert claim["kind"] == "PersistentVolumeClaim"
    assert claim["metadata"]["name"] == "sweeper-results"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


def test_compose_has_no_default_password_and_publishes_on_loopback() -> None:
    services = read("mlflow/compose")["services"]
    secret = {"POSTGRES_PASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"}
    assert secret <= set(services["server"]["environment"])
    for service in services.values():
        for key in secret & set(service["environment"]):
            assert re.fullmatch(rf"\$\{{{key}:\?[^}}]+\}}", service["environment"][key]), key
    assert "ports" not in services["database"]
    assert services["server"]["ports"] == ["${PUBLISH:-127.0.0.1}:5000:5000"]


def test_no_file_holds_a_password_or_a_token() -> None:
    given = re.compile(r"(?i)(password|secret_key|token)[\"']?\s*[=:]\s*[\"']?[\w-]{6,}")
    for name in shipped():
        if not name.endswith(".py"):
            for line in (CLUSTER / name).read_text().splitlines():
                assert not given.search(line), f"{name}: {line}"


@pytest.mark.parametrize("name", ["Dockerfile", "mlflow/Dockerfile"])
def test_an_image_is_locked_unprivileged_and_takes_only_what_it_names(name: str) -> None:
    lines = (CLUSTER / name).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    assert re.search(r"^COPY requirements\.lock", text, re.M)
    users = re.findall(r"^USER (.+)$", text, re.M)
    assert users == ["1000"]
    assert not re.findall(r"^(?:RUN|COPY|ADD)", text[text.index("USER 1000") :], re.M)
    ignored = (CLUSTER / f"{name}.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for line in re.findall(r"^COPY (.+)$", text, re.M):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored or f"!{source.split('/')[0]}" in ignored, source


@pytest.mark.parametrize("name", ["setup.sh", "slurm.sh", "mlflow/server.sh", "mlflow/secrets.sh"])
def test_a_script_stops_at_the_first_error_and_reads_well(name: str) -> None:
    path = CLUSTER / name
    assert "set -euo pipefail" in path.read_text()
    subprocess.run(["bash", "-n", path], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--severity=warning", path], check=True)


def test_secrets_are_random_closed_and_never_written_twice(tmp_path: Path) -> None:
    shutil.copy(CLUSTER / "mlflow" / "secrets.sh", tmp_path)
    run = ["bash", str(tmp_path / "secrets.sh")]
    said = subprocess.run(run, capture_output=True, text=True, check=True)
    written = tmp_path / ".env"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    values = [line.partition("=")[2] for line in written.read_text().splitlines()]
    assert len(set(values)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values)
    assert not [value for value in values if value in said.stdout + said.stderr]
    before = written.read_text()
    assert subprocess.run(run, capture_output=True, check=False).returncode == 1
    assert written.read_text() == before


@pytest.mark.parametrize("missing", ["POSTGRES_PASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD"])
def test_the_server_refuses_to_start_without_a_password(missing: str, tmp_path: Path) -> None:
    names = ("POSTGRES_PASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY")
    (tmp_path / "env").write_text("".join(f"{name}=x\n" for name in names if name != missing))
    said = subprocess.run(
        ["bash", CLUSTER / "mlflow" / "server.sh"],
        env={"PATH": "/usr/bin:/bin", "SETTINGS": str(tmp_path / "env")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode != 0
    assert f"{missing}: run cluster/mlflow/secrets.sh first" in said.stderr
