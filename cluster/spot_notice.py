#!/usr/bin/env python3
"""Drains this node when its provider says that it will be taken away.

Ray then places nothing new here and calls what dies here preempted: sweeper's trials go on from
their checkpoints on other nodes, and a warm worker takes no further trial. What runs is left alone;
it may finish before the machine is gone. Needs the standard library and the `ray` on PATH; started
beside Ray on every spot worker (aws: two minutes' notice; gcp: thirty seconds'):

    nohup python3 cluster/spot_notice.py --provider aws >> ~/spot_notice.log 2>&1 &

and, at once, as the preStop hook of a Kubernetes pod:

    python3 cluster/spot_notice.py --provider now --seconds 30

It ends with 0 once Ray has accepted the drain, and with 1 where it had not when time was up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

METADATA = {"aws": "http://169.254.169.254", "gcp": "http://metadata.google.internal"}
EVERY = {"aws": 5.0, "gcp": 0.0}  # seconds between two questions; Google's answer itself waits
WARNING = 30.0  # seconds of notice where the provider names no time
GOOGLE = "/computeMetadata/v1/instance/preempted?wait_for_change=true&timeout_sec=5"


def ask(url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> str:
    """What the metadata service answers; never through a proxy of the environment's."""
    request = urllib.request.Request(url, method=method, headers=dict(headers or {}))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def aws(metadata: str) -> float | None:
    """Seconds until Amazon takes the machine away; None where there is no notice."""
    life = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = ask(f"{metadata}/latest/api/token", "PUT", life)
    held = {"X-aws-ec2-metadata-token": token}
    try:
        said = json.loads(ask(f"{metadata}/latest/meta-data/spot/instance-action", headers=held))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    when = datetime.fromisoformat(said["time"].replace("Z", "+00:00"))
    return (when - datetime.now(UTC)).total_seconds()


def gcp(metadata: str) -> float | None:
    """The same of Google, who names no time."""
    said = ask(metadata + GOOGLE, headers={"Metadata-Flavor": "Google"})
    return WARNING if said.strip().upper() == "TRUE" else None


def wait_for_notice(provider: str, metadata: str) -> float:
    """Seconds that are left when the notice comes; a service that is away is asked again."""
    said = ""
    while True:
        try:
            left = {"aws": aws, "gcp": gcp}[provider](metadata)
            trouble = ""
        except (OSError, ValueError, KeyError) as error:
            left, trouble = None, f"{metadata} gives no answer: {error!r}; asking on"
        if left is not None:
            return left
        if trouble != said:
            tell(trouble or f"{metadata} answers")
            said = trouble
        time.sleep(5.0 if trouble else EVERY[provider])


def ray_command() -> str:
    """The `ray` on PATH, or beside this Python."""
    beside = Path(sys.executable).with_name("ray")
    found = shutil.which("ray") or (str(beside) if beside.exists() else "")
    if not found:
        sys.exit("spot_notice: no `ray` on PATH nor beside this Python; start it where Ray runs")
    return found


def drain(ray: str, address: str, node_id: str, seconds: float) -> bool:
    """Have Ray drain this node; tried again while there is time. Whether it was accepted."""
    end = time.monotonic() + max(seconds, 1)
    while True:
        left = max(int(end - time.monotonic()), 0)
        command = [ray, "drain-node", "--address", address]
        command += ["--node-id", node_id] if node_id else []
        command += ["--reason", "DRAIN_NODE_REASON_PREEMPTION"]
        command += ["--reason-message", "notice of the provider"]
        command += ["--deadline-remaining-seconds", str(left)]
        # without it Ray would look for itself, and start a cluster where it finds none
        there = os.environ | {"RAY_ADDRESS": address}
        said = subprocess.run(command, capture_output=True, text=True, env=there, check=False)
        if said.returncode == 0:
            tell(f"drained, {left} s before the end")
            return True
        tell(f"ray drain-node: {(said.stderr or said.stdout).strip()[-500:]}")
        if time.monotonic() > end:
            return False
        time.sleep(1)


def tell(line: str) -> None:
    """A line of the log."""
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} spot_notice: {line}", flush=True)


def main() -> int:
    """The command."""
    what = argparse.ArgumentParser(description="Drain this node on its provider's notice.")
    what.add_argument("--provider", choices=["aws", "gcp", "now"], required=True)
    what.add_argument("--metadata", help="another address of the metadata service")
    what.add_argument("--address", default="auto", help="of Ray; default: the one on this machine")
    what.add_argument("--node-id", default="", help="default: this machine's")
    what.add_argument("--seconds", type=float, default=WARNING, help="with `now`: what is left")
    given = what.parse_args()
    ray, left = ray_command(), given.seconds
    if given.provider != "now":
        left = wait_for_notice(given.provider, given.metadata or METADATA[given.provider])
    tell(f"notice: about {left:.0f} s are left")
    return 0 if drain(ray, given.address, given.node_id, left) else 1


if __name__ == "__main__":
    sys.exit(main())
