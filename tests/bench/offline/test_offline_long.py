"""A million taps wait, and 256 MiB hold them."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import offline  # noqa: E402

TAPS = 1_000_000


def test_a_million_taps_fit_drain_in_order_and_cost_no_memory(tmp_path):
    result = offline.run(tmp_path, TAPS)
    offline.report(*result, TAPS)
    told, states = result[0].told, result[1]
    assert told["outbox_bytes"] < told["outbox_bytes_max"]
    moving = [s for s in states if 0 < s["acked_seq"] < s["head_seq"]]
    assert moving, "progress cannot be seen"
    assert all(s["drain_eta_s"] > 0 for s in moving), "time left cannot be seen"
