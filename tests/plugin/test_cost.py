"""What the plugin costs: a run that uses it, and a run that does not; and what either leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

pytest_plugins = ["pytester"]

SOURCE = Path(__file__).parents[2] / "src"

SUITE = """
    import pytest

    @pytest.fixture
    def empty():
        yield

    @pytest.mark.parametrize("n", range(1000))
    def test_empty(n, empty):
        pass

    @pytest.mark.parametrize("n", range(1000))
    def test_sync(n, redouble):
        pass

    @pytest.mark.parametrize("n", range(1000))
    def test_async(n, redouble_async):
        pass

    @pytest.mark.parametrize("n", range(1000))
    def test_url(n, redouble_url):
        pass
"""
MEASURE = """
    import gc
    import json
    import os
    import threading
    import time
    from collections import Counter
    from pathlib import Path

    import pytest

    cost = Counter()
    seen = set()

    def pytest_collection_modifyitems(items):
        items.sort(key=lambda item: item.callspec.params["n"])  # side by side, so that a busy machine slows all alike

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(item):
        before = time.process_time()
        result = yield
        first = item.originalname not in seen  # which imports what it needs
        seen.add(item.originalname)
        cost["first" if first else item.originalname] += time.process_time() - before
        return result

    def sockets():
        return sum(os.readlink(f"/proc/self/fd/{fd}").startswith("socket:") for fd in descriptors())

    def descriptors():
        for fd in os.listdir("/proc/self/fd"):
            if os.path.lexists(f"/proc/self/fd/{fd}"):
                yield fd

    held = {}

    def pytest_sessionstart():
        held.update(threads=threading.active_count(), sockets=sockets())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish():
        gc.collect()
        left = {"threads": threading.active_count() - held["threads"], "sockets": sockets() - held["sockets"]}
        worker = os.environ.get("PYTEST_XDIST_WORKER")
        if cost:
            Path(f"cost-{worker}.json").write_text(json.dumps({"cost": cost, "left": left}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts descriptors in /proc")
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_thousand_tests(run: Run, pytester: pytest.Pytester, options: list[str]) -> None:
    result = run(SUITE, *options, conftest=MEASURE, alone=True)
    result.assert_outcomes(passed=4000)
    reports = [json.loads(path.read_text()) for path in pytester.path.glob("cost-*.json")]
    assert len(reports) == len(options) or len(reports) == 1
    cost = {name: sum(report["cost"][name] for report in reports) for name in reports[0]["cost"]}
    empty = cost["test_empty"]  # in milliseconds a test, as there are a thousand
    print(f"an empty fixture: {empty:.3f} ms")
    for name in ("test_sync", "test_async", "test_url"):
        more = cost[name] - empty
        print(f"{name}: {more:.3f} ms more")
        assert more < max(2, 3 * empty)  # an order of magnitude, on a busy machine too; it is about 1.5 times as much
    print(f"imports: {cost['first']:.3f} s")
    assert cost["first"] < 4 * len(reports)  # whose code is slow at first
    assert [report["left"] for report in reports] == [{"threads": 0, "sockets": 0}] * len(reports)


def test_nothing_is_imported_before_it_is_used(pytester: pytest.Pytester) -> None:
    """Other plugins stay out: pytest-asyncio and its like import asyncio themselves."""

    def imported(fixture: str, *options: str) -> set[str]:
        source = f"import sys\ndef test_it({fixture}): print('modules:', *sys.modules)"
        pytester.makepyfile(source)
        command = ["-m", "pytest", "-s", "-p", "no:cacheprovider", *options]
        output = python(*command, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        (line,) = (line for line in output.splitlines() if "modules:" in line)
        return set(line.partition("modules:")[2].split())

    bare = imported("")
    assert imported("", "-p", "redouble.pytest_plugin") - bare == {
        "redouble",
        "redouble.fixtures",
        "redouble.pytest_plugin",
    }
    used = imported("redouble_server", "-p", "redouble.pytest_plugin") - bare
    assert "redouble.core.server" in used
    assert not used & {"redis", "valkey"}


def test_a_run_without_it_costs_a_few_milliseconds() -> None:
    source = """
import time, pytest
before = time.process_time()
import redouble.pytest_plugin
print((time.process_time() - before) * 1000)
"""
    costs = [float(python("-c", source)) for _ in range(5)]
    print(f"{min(costs):.1f} ms")
    assert min(costs) < 5


def python(*arguments: str, **environment: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
