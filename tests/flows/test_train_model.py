import json

import pytest
from fake_reader import drawn

from digitocr.training.adapt import learning
from digitocr.training.adapt.tuning import Comparison, judge_models

BEFORE_AND_AFTER = (
    Comparison("own", 100, 0.7, 0.9, 0.001),
    Comparison("mnist", 10_000, 0.995, 0.995, 1),
    Comparison("drawn", 900, 0.9, 0.9, 1),
)


@pytest.mark.flow
def test_it_trains_once_there_is_enough_that_is_new_and_shows_before_and_after(
    work, prefect_server, monkeypatch
):
    from prefect.client.orchestration import get_client

    from flows.training import train_model

    work.put("a.png", drawn("1?"))
    work.run()
    waits = train_model(fresh=100, return_state=True)
    assert waits.result() == {"digits": 0, "trained": False, "promoted": False}
    assert waits.message == "0 settled digits; training waits for 100"

    asked = []

    def learn(settings, model, plan):
        asked.append((model, plan.corrections))
        return judge_models(*BEFORE_AND_AFTER)

    monkeypatch.setattr(learning, "learn", learn)
    assert train_model(fresh=0) == {"digits": 0, "trained": True, "promoted": True}
    state = work.settings().state
    assert asked == [(None, state / "corrections")]
    assert json.loads((state / "training" / "last.json").read_text()) == {"digits": 0}
    with get_client(sync_client=True) as client:
        shown = [a.data for a in client.read_artifacts() if a.key == "training"]
    assert len(shown) == 1
    assert "| own | 100 | 70.00 % | 90.00 % |" in shown[0]
