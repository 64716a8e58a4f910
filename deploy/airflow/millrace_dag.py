"""Runs and watches Millrace from Airflow: the topic exists, traffic is made, all of it is stored, nobody is behind.

Variables of Airflow, all with defaults: millrace_url (http://127.0.0.1:8080), millrace_topic (airflow-demo),
millrace_records (200). Needs no provider: it asks the gateway over HTTP (docs/http-api.md).
"""

import json
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

from airflow.decorators import dag, task
from airflow.exceptions import AirflowException
from airflow.models import Variable

TIMEOUT_SECONDS = 30


def setting(name: str, default: str) -> str:
    return Variable.get(f"millrace_{name}", default_var=default)


def ask(path: str, method: str = "GET", body: bytes | None = None, content_type: str = "application/json") -> dict:
    """Asks the gateway; what it refuses is an error with its own words."""
    request = urllib.request.Request(
        setting("url", "http://127.0.0.1:8080") + path,
        data=body,
        method=method,
        headers={"Content-Type": content_type} if body is not None else {},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            text = response.read().decode()
            return json.loads(text) if text else {}
    except urllib.error.HTTPError as error:
        raise AirflowException(f"{method} {path}: {error.code} {error.read().decode()[:300]}") from error
    except urllib.error.URLError as error:
        raise AirflowException(f"{request.full_url} does not answer: {error.reason}; is millrace_url right?") from error


@dag(
    dag_id="millrace",
    schedule="*/10 * * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["millrace"],
)
def millrace():
    @task
    def check_health() -> None:
        """The gateway can do its work: its log and its store answer."""
        answer = ask("/readyz")
        if answer["status"] != "ready":
            raise AirflowException(f"not ready: {', '.join(answer['reasons'])}")

    @task
    def ensure_topic() -> str:
        """Makes the topic, where it is missing."""
        topic = setting("topic", "airflow-demo")
        ask("/api/v1/topics", "POST", json.dumps({"name": topic, "format": "json"}).encode())
        return topic

    @task
    def generate(topic: str) -> int:
        """Sends records through the ingest endpoint; answers how many the topic has from then on, at least."""
        records = int(setting("records", "200"))
        before = consumed(topic)
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        lines = [
            json.dumps({
                "timestamp": now,
                "service": "airflow-demo",
                "level": "ERROR" if i % 50 == 0 else "INFO",
                "message": f"demo record {i}",
                "response_time_ms": 10 + i % 90,
            })
            for i in range(records)
        ]
        ask(f"/ingest/v1/{topic}", "POST", "\n".join(lines).encode(), "application/x-ndjson")
        return before + records

    @task(execution_timeout=timedelta(minutes=5))
    def wait_until_stored(topic: str, expected: int) -> None:
        """Every record that was sent is in the minutes."""
        while (found := consumed(topic)) < expected:
            print(f"{found} of {expected} records are stored")
            time.sleep(1)

    @task
    def check_lag(topic: str) -> None:
        """Nothing waits in the log for long."""
        behind = ask(f"/api/v1/topics/{topic}")["lagSeconds"]
        if behind > 120:
            raise AirflowException(f"topic {topic} is {behind:.0f} seconds behind")

    def consumed(topic: str) -> int:
        return ask(f"/api/v1/topics/{topic}")["totals"]["consumed"]

    topic = ensure_topic()
    check_health() >> topic
    expected = generate(topic)
    wait_until_stored(topic, expected) >> check_lag(topic)


millrace()
