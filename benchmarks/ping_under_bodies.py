"""Measures GET /ping while each door of a server gets its worst body, one door at a time.

    python benchmarks/ping_under_bodies.py [--seconds 2] [--only TEXT]

Each body is sent again and again for some seconds, one request at a time; meanwhile another thread sends one ping after another
over a connection of its own. A row has the latencies of all pings that began while a request was on its way.
"""

import argparse
import io
import sys
import tarfile
import time

from handmade_requests import HandmadeClient
from live_server import ROLE, LiveServer, serve
from log import log_row
from pinger import Pinger, percentile
from worst_bodies import ENDPOINT, MODEL_SCRIPT, REPLICAS, WORST_BODIES, WorstBody, put_long_keys

GOAL_P99_MS = 100.0
MIN_PINGS = 100
OPTIONS = ("--no-warm", "--no-aws-hosts")


def measure(client: HandmadeClient, body: WorstBody, seconds: float) -> tuple[list[float], int]:
    """Returns (latencies of pings in ms, sorted; how many requests were sent)."""
    data = body.make(client)
    pinger = Pinger(client.address.url)
    requests, deadline = 0, time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(pinger.latencies_ms) < MIN_PINGS:
        client.exchange(data, until_end=body.until_end)
        requests += 1
    return pinger.stop(), requests


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="only bodies whose name contains this")
    options = parser.parse_args()
    chosen = [body for body in (*WORST_BODIES, *REPLICAS) if options.only in body.name]
    slow, quiet = [], []
    with serve(*OPTIONS) as server:
        client = HandmadeClient(server.address)
        put_long_keys(server.client("s3"))
        if any(body in REPLICAS for body in chosen):
            deploy(server)
        print(log_row("GET /ping, an idle server", measure_idle(client), unit="ms", script="ping_under_bodies.py"))
        for body in chosen:
            latencies, requests = measure(client, body, options.seconds)
            p99, longest = percentile(latencies, 0.99), latencies[-1]
            (quiet if p99 < GOAL_P99_MS else slow).append(body.name)
            note = f"p99 {p99:.1f} ms, longest {longest:.1f} ms, {requests} requests"
            goal = f"p99 < {GOAL_P99_MS:g} ms"
            claim = f"GET /ping during: {body.name}"
            print(log_row(claim, latencies, unit="ms", goal=goal, script="ping_under_bodies.py", note=note), flush=True)
    print(
        f"{len(quiet)} of {len(chosen)} bodies leave the 99th percentile under {GOAL_P99_MS:g} ms; the others: {slow}"
    )
    return 1 if slow else 0


def deploy(server: LiveServer) -> None:
    """Deploys the model of the requests to replicas."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(MODEL_SCRIPT)
        tar.addfile(info, io.BytesIO(MODEL_SCRIPT))
    server.client("s3").put_object(Bucket="naiad", Key="worst.tar.gz", Body=archive.getvalue())
    sagemaker, container = server.client("sagemaker"), {"Image": "any", "ModelDataUrl": "s3://naiad/worst.tar.gz"}
    sagemaker.create_model(ModelName=ENDPOINT, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "v", "ModelName": ENDPOINT, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=ENDPOINT, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def measure_idle(client: HandmadeClient) -> list[float]:
    pinger = Pinger(client.address.url)
    while len(pinger.latencies_ms) < 10 * MIN_PINGS:
        time.sleep(0.01)
    return pinger.stop()


if __name__ == "__main__":
    sys.exit(main())
