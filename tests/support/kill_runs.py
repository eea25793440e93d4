"""Runs histories of kills one after another on one server, and collects what its clients found wrong.

What is killed: the server, agents of jobs, replicas of an endpoint, and PostgreSQL where there is one.
"""

import contextlib
import io
import random
import signal
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from acknowledged_history import BUCKET, SETTLED_WITHIN_S, HistoryClient, KilledServer
from botocore.exceptions import BotoCoreError, ClientError
from server_zygote import Zygote

CLIENTS, OPERATIONS, KILLS = 2, 30, 2
PAUSE_S = (0.02, 0.5)
ENDPOINT = "echo"
ROLE = "arn:aws:iam::000000000000:role/naiad"
_SCRIPT = """
def model_fn(folder):
    return {answer!r}

def transform_fn(model, body, content_type, accept):
    body = body if isinstance(body, str) else body.decode()
    return model + body, "text/plain"
"""


@dataclass
class KillReport:
    histories: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    """Requests by what was heard of them."""
    problems: list[str] = field(default_factory=list)


@dataclass
class EndpointClient:
    """Invokes an endpoint, and moves it between two configurations."""

    server: KilledServer
    dice: random.Random
    wanted: set[str] = field(default_factory=lambda: {"a"})
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def make(self) -> None:
        sagemaker = self.server.client("sagemaker")
        for name in ("a", "b"):
            archive = io.BytesIO()
            content = _SCRIPT.format(answer=name).encode()
            with tarfile.open(fileobj=archive, mode="w:gz") as tar:
                info = tarfile.TarInfo("code/inference.py")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            self.server.client("s3").put_object(Bucket=BUCKET, Key=f"models/{name}", Body=archive.getvalue())
            container = {"Image": "any/inference:1", "ModelDataUrl": f"s3://{BUCKET}/models/{name}"}
            sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
            variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
            sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="a")
        self.settle()

    def invoke(self) -> str | None:
        """Returns the answer; None without one. Notes one that no configuration gives."""
        number = str(self.dice.randrange(10**6))
        try:
            answered = self.server.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=ENDPOINT, Body=number.encode(), ContentType="text/plain"
            )
            body = answered["Body"].read().decode()
        except (ClientError, BotoCoreError):
            self.counts["invocations without an answer"] += 1
            return None
        self.counts["invocations"] += 1
        if body not in (f"a{number}", f"b{number}"):
            self.problems.append(f"the endpoint answered {body!r} to {number}")
        return body

    def update(self) -> None:
        name = self.dice.choice("ab")
        before, self.wanted = self.wanted, self.wanted | {name}
        try:
            self.server.client("sagemaker").update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:  # it is being updated already
                self.wanted = before
        except BotoCoreError:
            pass
        else:
            self.wanted = {name}

    def settle(self) -> None:
        """Waits until the endpoint serves, and checks that it serves what it was last told, or says why not."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        described: dict[str, Any] = {}
        while time.monotonic() < deadline:
            described = self.server.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
            if described["EndpointStatus"] == "InService" and (answer := self.invoke()) is not None:
                if answer[0] not in self.wanted and "FailureReason" not in described:
                    self.problems.append(f"the endpoint serves {answer[0]}, of {self.wanted}")
                self.wanted = {answer[0]}
                return
            time.sleep(0.05)
        self.problems.append(f"the endpoint does not come back: {described}")


@dataclass
class KillRuns:
    server: KilledServer
    seed: int = 0
    with_endpoint: bool = False
    postgres: Any = None
    """A fixture's PostgreSQL, which is stopped and started."""
    report: KillReport = field(default_factory=KillReport)
    _all_clients: list[HistoryClient] = field(default_factory=list)

    def run(self, histories: int, on_history: Callable[[KillReport], None] = lambda _: None) -> KillReport:
        """Returns the report. Kills nothing between histories, and checks what earlier ones have left at the end."""
        dice = random.Random(self.seed)
        endpoint = EndpointClient(self.server, random.Random(self.seed + 1)) if self.with_endpoint else None
        if endpoint is not None:
            endpoint.make()
        for number in range(histories):
            self._run_history(f"h{number}", dice, endpoint)
            self.report.histories += 1
            on_history(self.report)
        for client in self._all_clients:
            client.problems.clear()
            client.check_all()
            self.report.problems += [f"at the end: {problem}" for problem in client.problems]
        if endpoint is not None:
            self.report.counts += endpoint.counts
        return self.report

    def _run_history(self, name: str, dice: random.Random, endpoint: EndpointClient | None) -> None:
        clients = [
            HistoryClient(self.server, f"{name}c{number}", random.Random(dice.random())) for number in range(CLIENTS)
        ]
        self._all_clients += clients
        is_over = threading.Event()
        with ThreadPoolExecutor(CLIENTS + 1) as threads:
            runs = [threads.submit(client.run, OPERATIONS) for client in clients]
            if endpoint is not None:
                runs.append(threads.submit(self._use_endpoint, endpoint, is_over))
            try:
                for _ in range(dice.randint(1, KILLS)):
                    time.sleep(dice.uniform(*PAUSE_S))
                    self._kill_one(dice)
            finally:
                is_over.set()
            for run in runs:
                run.result()
        for client in clients:
            client.check_all()
            self.report.problems += [f"{name}: {problem}" for problem in client.problems]
            self.report.counts += client.counts
        if endpoint is not None:
            endpoint.settle()
            self.report.problems += [f"{name}: {problem}" for problem in endpoint.problems]
            endpoint.problems.clear()

    @staticmethod
    def _use_endpoint(endpoint: EndpointClient, is_over: threading.Event) -> None:
        while not is_over.is_set():
            endpoint.invoke()
            if endpoint.dice.random() < 0.05:
                endpoint.update()

    def _kill_one(self, dice: random.Random) -> None:
        agents, replicas = self.server.agents(), self.server.replicas() if self.with_endpoint else []
        victims = ["server"] + ["agent"] * bool(agents) + ["replica"] * bool(replicas)
        victims += ["postgres"] * (self.postgres is not None)
        unseen = [
            victim for victim in victims if victim not in self.report.kills
        ]  # each kind is killed as soon as it can be
        victim = dice.choice(unseen or victims)
        if victim == "agent":
            dice.choice(agents).signal(signal.SIGKILL)
        elif victim == "replica":
            with contextlib.suppress(psutil.NoSuchProcess):
                dice.choice(replicas).kill()
        elif victim == "postgres":
            self.postgres.stop()
            time.sleep(dice.uniform(0.0, 0.3))
            self.postgres.start()
        else:
            self.server.kill()
            time.sleep(dice.uniform(0.0, 0.1))
            self.server.start()
        self.report.kills[victim] += 1


def run_histories(
    folder: Path, histories: int, *, seed: int, with_endpoint: bool = False, postgres: Any = None, **more: Any
) -> KillReport:
    """Runs histories on a new server in ``folder``. ``more`` goes to ``KillRuns.run``."""
    zygote = Zygote.launch()
    server = KilledServer(zygote, folder / "state", None if postgres is None else postgres.url)
    try:
        server.start()
        try:
            return KillRuns(server, seed, with_endpoint, postgres).run(histories, **more)
        finally:
            server.kill(signal.SIGTERM)
    finally:
        zygote.close()
