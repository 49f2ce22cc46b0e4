"""The service and requests that are drawn at random."""

import numpy as np
import pytest

from src.service.limits import Limits
from tests import served
from tests.served import PATH, form, wav


served.need_extra()


@pytest.fixture(scope="module")
def service():
    with served.running(Limits(megabytes=1, seconds=60)) as one:
        yield one


def random_body(draw: np.random.Generator) -> bytes:
    """Bytes with the head of a kind of audio, or audio with some bytes changed."""
    heads = (b"RIFF", b"fLaC", b"OggS", b"ID3\4", b"\xff\xfb\x90\0", b"FORM", b".snd")
    noise = draw.bytes(int(draw.integers(0, 3000)))
    kind = draw.integers(4)
    if kind == 0:
        return noise
    if kind == 1:
        return heads[draw.integers(len(heads))] + noise
    if kind == 2:
        return wav(0.05)[: int(draw.integers(4, 60))] + noise
    changed = bytearray(wav(0.05))
    for place in draw.integers(0, 48, 6):
        changed[place] = draw.integers(256)
    return bytes(changed)


@pytest.mark.spec("ASR-136", "200 random bodies are never answered 500")
def test_200_random_bodies_are_never_a_fault(service):
    draw = np.random.default_rng(6)
    text = service.post(wav()).json
    statuses = []
    for number in range(200):
        body, kind = form(random_body(draw))
        if number % 5 == 0:  # the form itself is broken too
            body = body[: int(draw.integers(len(body)))]
        path = (PATH, "/v1/audio/inspect")[number % 2]
        answer = service.ask("POST", path, body, content_type=kind)
        statuses.append(answer.status)
        if answer.status != 200:
            assert answer.detail
    assert {*statuses} <= {200, 400, 413, 415, 422}, statuses
    assert len({*statuses}) >= 3  # or the bodies are all alike
    assert service.post(wav()).json == text


# By its schema any bytes are a file and any word is a model.
EXPECTED = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 404, 413, 415, 422, 503]
"""


@pytest.mark.spec("ASR-132", "schemathesis finds nothing")
def test_schemathesis_finds_nothing(service):
    schemathesis = pytest.importorskip("schemathesis", reason="it draws the requests")
    from hypothesis import HealthCheck, Phase, given, settings

    config = schemathesis.Config.from_str(EXPECTED)
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json", config=config)
    checked = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=6,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def check(case):
            case.call_and_validate(timeout=served.LIMIT)

        check()
        checked.append(operation.label)
    assert len(checked) == 6
