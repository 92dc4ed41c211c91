"""Dying with one's parent, so that a killed worker leaves nobody who trains on."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when its parent dies (Linux; elsewhere it lives on)."""
    if sys.platform == "linux":
        # Linux sends it when the *thread* that started us ends: parents start their children from
        # a thread that stays.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Asked after `prctl`: a parent that dies before is noticed here, one that dies later by the
    # kernel.
    if os.getppid() != parent:
        sys.exit(1)  # it died before we asked
