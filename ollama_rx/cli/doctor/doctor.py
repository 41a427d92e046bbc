"""Run all checks side by side and print what they have found."""

import os
import sys
import threading
from typing import NoReturn

import typer

from ollama_rx.cli.choose_client import is_bus, named_server
from ollama_rx.cli.doctor.examination import Examination
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.report import print_section
from ollama_rx.cli.output.json_output import print_json
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import EXIT_ERROR, echo, exit_on_error, usage_error
from ollama_rx.client.host import base_url

_SECONDS = 6.0  # for all checks together
_CANNOT_ANSWER = "Nothing can answer a prompt: there is no server with a model, and no embedded model."


def examine(host: str | None, *, json: bool) -> NoReturn:
    """Print what works, what is missing, and how to get it; fail if nothing can answer a prompt."""
    with exit_on_error():
        named = named_server(host)
        if host is not None and not is_bus(named):
            with usage_error("--host", argument="host"):
                base_url(host)
        threads_before = set(threading.enumerate())
        found: list[tuple[str, Finding]] = []
        examination = Examination(Target(host=host, named=named), _SECONDS)
        # Standard error may lead nowhere for a moment: sounddevice silences the libraries of the system so.
        with StatusLine(sys.stdout) as status:
            for check in examination.checks:
                if not json:
                    status.show(f"checking: {check.title}")
                findings = examination.findings(check)
                found += [(check.title, finding) for finding in findings]
                status.erase()
                if not json:
                    print_section(check.title, findings)
        can_answer = any(finding.can_answer for _, finding in found)
        if json:
            checks = [{"check": title, **finding.as_json()} for title, finding in found]
            print_json({"can_answer": can_answer, "checks": checks})
        elif not can_answer:
            echo(_CANNOT_ANSWER, sys.stdout)
        code = 0 if can_answer else EXIT_ERROR
        if set(threading.enumerate()) - threads_before:
            _end_now(code)
        raise typer.Exit(code)


def _end_now(code: int) -> NoReturn:
    """End the process, which a thread would keep that waits, for instance, for the address of a name."""
    sys.stdout.flush()
    os._exit(code)
