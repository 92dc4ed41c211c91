"""Stop requests: SIGTERM waits for a block to end."""

import signal

from worker.service.stop_flag import StopFlag, sigterm_waits


def test_sigterm_puts_the_flag_up_at_once_and_takes_effect_after_the_block():
    flag, heard = StopFlag(), []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("SIGTERM"))
    try:
        with sigterm_waits(flag):
            signal.raise_signal(signal.SIGTERM)
            assert flag.is_up
            assert heard == []
        assert heard == ["SIGTERM"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_block_without_sigterm_leaves_no_trace():
    flag, before = StopFlag(), signal.getsignal(signal.SIGTERM)

    with sigterm_waits(flag):
        pass

    assert not flag.is_up
    assert signal.getsignal(signal.SIGTERM) is before
