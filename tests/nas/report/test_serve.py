"""The live page: what it answers, to whom, and that it follows the run."""

from __future__ import annotations

import html
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gondwana.nas.candidate import Outcome, State
from gondwana.nas.engine.records.run_folder import RunFolder, RunFolderError
from gondwana.nas.report.serve import ReportServer


@contextmanager
def serving(path: Path) -> Iterator[ReportServer]:
    with ReportServer(path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: ReportServer, path: str, host: str | None = None, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    connection.request(method, path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def tell_one_more(path: Path, number: int) -> None:
    folder = RunFolder.open(path)
    with folder.open_store() as store:
        store.add_outcomes([Outcome(number, State.COMPLETED, fitness=0.987654)], number)


def test_the_page_follows_the_run(make_comparison: Callable[..., Path]) -> None:
    path = make_comparison(functions=4, told=8)
    with serving(path) as server:
        before = json.loads(get(server, "/state")[1])
        assert (before["asked"], before["told"]) == (14, 8)
        assert "0.9877" not in get(server, "/main")[1]
        tell_one_more(path, 8)
        assert json.loads(get(server, "/state")[1])["told"] == 9
        status, main = get(server, "/main")
        assert status == 200
        assert main.startswith("<main>")
        assert "0.9877" in main


def test_the_whole_page_may_ask_its_own_server_only(evolution: Path) -> None:
    with serving(evolution) as server:
        status, page = get(server, "/")
    assert status == 200
    policy = html.unescape(page)
    assert "connect-src 'self'" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:80", ""])
def test_other_names_for_this_machine_are_refused(evolution: Path, host: str) -> None:
    with serving(evolution) as server:
        assert get(server, "/state", host)[0] == 403


@pytest.mark.parametrize("path", ["/run.sqlite", "/../run.sqlite", "/state?x=1", "/%2e%2e/config.yaml"])
def test_nothing_else_is_served(evolution: Path, path: str) -> None:
    with serving(evolution) as server:
        assert get(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(evolution: Path, method: str) -> None:
    with serving(evolution) as server:
        assert get(server, "/state", method=method)[0] == 501


def test_the_server_listens_on_loopback_only(evolution: Path) -> None:
    with serving(evolution) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"


def test_a_run_that_breaks_while_it_is_shown_is_an_error_not_an_end(evolution: Path) -> None:
    with serving(evolution) as server:
        (evolution / "run.json").rename(evolution / "away.json")
        status, text = get(server, "/state")
        assert status == 503
        assert "not a run folder" in text
        (evolution / "away.json").rename(evolution / "run.json")
        assert get(server, "/state")[0] == 200


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        ReportServer(tmp_path)
