#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""qmp.py SOCKET COMMAND: a QMP client written independently of vmtool's own.

COMMAND is a QMP command, or "all": every command is tried and its answer checked.
"""

import json
import socket
import sys


class Qmp:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)
        self.lines = self.sock.makefile("r", encoding="utf-8")
        self.events = []
        greeting = json.loads(self.lines.readline())
        assert "version" in greeting["QMP"], greeting
        self.ask("qmp_capabilities")

    def ask(self, name, **arguments):
        request = {"execute": name, "id": name + "-id"}
        if arguments:
            request["arguments"] = arguments
        self.sock.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline())
            if "event" in answer:
                self.events.append(answer["event"])
                continue
            assert answer["id"] == name + "-id", answer
            if "error" in answer:
                raise RuntimeError(answer["error"]["desc"])
            return answer["return"]

    def wait_event(self, name):
        while name not in self.events:
            answer = json.loads(self.lines.readline())
            if "event" in answer:
                self.events.append(answer["event"])


def try_all(qmp):
    names = {c["name"] for c in qmp.ask("query-commands")}
    wanted = {"qmp_capabilities", "query-version", "query-status", "query-name",
              "query-commands", "query-cpus-fast", "stop", "cont",
              "system_powerdown", "system_reset", "quit"}
    assert wanted <= names, wanted - names
    assert "qemu" in qmp.ask("query-version")
    assert qmp.ask("query-name")["name"] == "ticker"
    cpus = qmp.ask("query-cpus-fast")
    assert [c["cpu-index"] for c in cpus] == [0, 1], cpus
    assert all(c["thread-id"] > 0 for c in cpus), cpus
    assert qmp.ask("query-status")["status"] == "running"
    qmp.ask("stop")
    qmp.wait_event("STOP")
    assert qmp.ask("query-status") == {**qmp.ask("query-status"), "status": "paused",
                                       "running": False}
    qmp.ask("cont")
    qmp.wait_event("RESUME")
    assert qmp.ask("query-status")["running"] is True
    try:
        qmp.ask("no-such-command")
        raise AssertionError("an unknown command was accepted")
    except RuntimeError:
        pass


def main():
    qmp = Qmp(sys.argv[1])
    if sys.argv[2] == "all":
        try_all(qmp)
        return
    qmp.ask(sys.argv[2])
    if sys.argv[2] == "system_reset":
        qmp.wait_event("RESET")


main()
