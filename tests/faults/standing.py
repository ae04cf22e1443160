"""A program that takes locks and stands still with them, until it is told to go on (SIGCONT)."""

STANDING = """
import os, signal, sys
from pathlib import Path
from spancast.base.locks import FileLock
locks = [FileLock(Path(sys.argv[1]) / name) for name in sys.argv[2:]]
for lock in locks: assert lock.acquire(5)
print("holds", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
for lock in locks: lock.release()
"""
