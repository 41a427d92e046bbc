"""What axe finds wrong with a page for people who do not see it, or use it without a mouse."""

from functools import cache
from importlib.resources import files
from typing import TypedDict, cast

from playwright.sync_api import Page


class _Node(TypedDict):
    target: list[str]
    failureSummary: str


class _Violation(TypedDict):
    id: str
    help: str
    nodes: list[_Node]


_END_ANIMATIONS = """
() => document.getAnimations()
  .filter((it) => it.effect.getComputedTiming().endTime < Infinity)
  .forEach((it) => it.finish())
"""


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Return all violations of axe's rules (WCAG 2.2 A and AA, and best practices) in what is shown now.

    Animations are ended first: what fades in has little contrast for a moment.
    """
    page.evaluate(_END_ANIMATIONS)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_axe())  # scripts of the debugger are not subject to the page's policy
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [_describe(each) for each in cast(list[_Violation], found)]


def _describe(violation: _Violation) -> str:
    places = [f"  {node['target']}: {node['failureSummary']}" for node in violation["nodes"]]
    return "\n".join([f"{violation['id']}: {violation['help']}", *places])
