#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a command on a terminal of its own and plays its user.

usage: pty.py [STEP]... -- COMMAND [ARG]...

Steps are done in order; what the command prints goes to stdout as well:
  expect:TEXT   wait until TEXT was printed (\\\\n, \\\\x01 and the like are known)
  send:TEXT     type TEXT
  paste:FILE    type what is in FILE, as fast as the terminal takes it
  pause:MS      read nothing for that long
  quiet:MS      wait until nothing was printed for that long
  resize:RxC    give the terminal R rows and C columns
  signal:NAME   send SIGNAME to the command
  raw           fail unless the terminal is in raw mode
  cooked        fail unless the terminal's mode is the one it began with
  hangup        close the terminal's other side
At the end it waits for the command, fails if the mode of the terminal has not
come back, and exits with the command's status; 120 when a step failed or took
longer than $LIMIT seconds (default: 60).
"""
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time


class Failed(Exception):
    pass


class Pty:
    def __init__(self, command):
        self.limit = time.monotonic() + float(os.environ.get("LIMIT", "60"))
        self.seen = b""
        self.status = None
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.slave = os.dup(slave)
        self.mode = termios.tcgetattr(slave)
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.closerange(3, 256)
            try:
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        os.close(slave)

    def pump(self, seconds, data=b""):
        """Moves what there is for up to this long; returns what was not typed."""
        fds = [self.master] if self.master >= 0 else []
        r, w, _ = select.select(fds, fds if data else [], [], seconds)
        if r:
            try:
                got = os.read(self.master, 65536)
            except OSError:
                got = b""
            self.seen += got
            os.write(1, got)
            if not got:
                time.sleep(0.01)
        if w:
            data = data[os.write(self.master, data[:1024]):]
        if time.monotonic() > self.limit:
            raise Failed("took too long")
        return data

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def expect(self, text):
        while text not in self.seen:
            gone = self.ended()
            before = len(self.seen)
            self.pump(0.05)
            if gone and len(self.seen) == before:
                raise Failed("ended without printing %r" % text)
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def type(self, data):
        while data:
            data = self.pump(0.05, data)

    def quiet(self, seconds):
        since = time.monotonic()
        while time.monotonic() - since < seconds:
            before = len(self.seen)
            self.pump(0.02)
            if len(self.seen) != before:
                since = time.monotonic()

    def check_mode(self, raw):
        now = termios.tcgetattr(self.slave)
        if raw and now[3] & (termios.ICANON | termios.ECHO | termios.ISIG):
            raise Failed("the terminal is not in raw mode")
        if not raw and now != self.mode:
            raise Failed("the terminal's mode is not what it was")

    def resize(self, rows, cols):
        size = struct.pack("HHHH", rows, cols, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)

    def hangup(self):
        os.close(self.master)
        os.close(self.slave)
        self.master = self.slave = -1

    def step(self, text):
        name, _, arg = text.partition(":")
        data = arg.encode().decode("unicode_escape").encode("latin-1")
        if name == "expect":
            self.expect(data)
        elif name == "send":
            self.type(data)
        elif name == "paste":
            with open(arg, "rb") as f:
                self.type(f.read())
        elif name == "pause":
            time.sleep(int(arg) / 1000)
        elif name == "quiet":
            self.quiet(int(arg) / 1000)
        elif name == "resize":
            rows, cols = map(int, arg.split("x"))
            self.resize(rows, cols)
        elif name == "signal":
            os.kill(self.pid, getattr(signal, "SIG" + arg))
        elif name in ("raw", "cooked"):
            self.check_mode(name == "raw")
        elif name == "hangup":
            self.hangup()
        else:
            raise Failed("no step of that name")

    def finish(self):
        while not self.ended():
            self.pump(0.02)
        if self.master >= 0:
            self.quiet(0.05)
            self.check_mode(False)
        return self.status


def main(args):
    if "--" not in args:
        sys.exit(__doc__)
    at = args.index("--")
    pty = Pty(args[at + 1:])
    step = "its end"
    try:
        for step in args[:at]:
            pty.step(step)
        step = "its end"
        status = pty.finish()
    except Failed as e:
        sys.stderr.write("pty.py: %s: %s; last printed: %r\n" % (step, e, pty.seen[-300:]))
        if not pty.ended():
            os.kill(pty.pid, signal.SIGKILL)
        return 120
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
