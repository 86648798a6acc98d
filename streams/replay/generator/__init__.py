"""A seeded, labelled stream of every event type: ordinary traffic, fraud, and ordinary things that look like fraud.

Written here from the rules' own conditions, with no code from elsewhere. ``generate`` writes files; ``Generator`` gives
the events in order of arrival.
"""

from streams.replay.generator.catalogue import TYPOLOGIES
from streams.replay.generator.output import FILES, LABELS, SCENARIOS, Summary, generate
from streams.replay.generator.settings import GeneratorSettings, start_from_text
from streams.replay.generator.story import ANY_RULE, FAINT_EVERY, Label, Role, Scenario
from streams.replay.generator.stream import Generator

__all__ = [
    "ANY_RULE",
    "FAINT_EVERY",
    "FILES",
    "LABELS",
    "SCENARIOS",
    "TYPOLOGIES",
    "Generator",
    "GeneratorSettings",
    "Label",
    "Role",
    "Scenario",
    "Summary",
    "generate",
    "start_from_text",
]
