"""docs/concepts/plan.md names every choice that the user may set, and every name that a choice allows."""

import re
from pathlib import Path

from naiad.trainer.plan.plan import CHOICES

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "plan.md"


def test_the_page_names_every_choice_and_its_values():
    text = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    quoted = set(re.findall(r"`([^`]+)`", text))
    settable = [choice for choice in CHOICES.values() if choice.is_settable]
    expected = {choice.name for choice in settable} | {name for choice in settable for name in choice.names}
    assert expected <= quoted, f"not on the page: {sorted(expected - quoted)}"
