"""A sweep file as its layers make it: `extends` below, then the file, a profile, `--set` on top."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sweeper.errors import Place, nearest
from sweeper.spec.document import parse, read
from sweeper.spec.file_name import misfit
from sweeper.spec.node import Mistakes, Node, merge

OF_A_PROFILE = (
    "metric",
    "base",
    "ablate",
    "over",
    "parameters",
    "when",
    "exclude",
    "seeds",
    "search",
    "early_terminate",
    "protocol",
    "resources",
    "budget",
    "report",
)
SECTIONS = ("name", "extends", "profiles", *OF_A_PROFILE)
DEFAULT_PROFILE = "demo"


def layered(
    path: Path, profile: str | None, settings: Mapping[str, str], mistakes: Mistakes
) -> tuple[Node | None, str]:
    """The merged sweep and the name of the profile that is in it; None after noting why not."""
    sweep = _with_parents(path, None, (), mistakes)
    if sweep is None:
        return None, ""
    sweep, chosen = _with_profile(sweep, profile, mistakes)
    for name, text in settings.items():
        sweep = _with_setting(sweep, name, text, mistakes)
    kept = {
        name: node
        for name, node in sweep.items.items()
        if name in ("name", *OF_A_PROFILE) and node.value is not None
    }
    return Node(kept, sweep.place, sweep.folder), chosen


def _with_parents(
    path: Path, asked: Node | None, below: tuple[Path, ...], mistakes: Mistakes
) -> Node | None:
    """The file at `path` laid over the files that it extends."""
    if path.resolve() in below and asked is not None:
        mistakes.add(asked.place, f"'{asked.value}' extends itself", "a file further down")
        return None
    own = read(path, mistakes)
    if own is None:
        return None
    if not isinstance(own.value, dict):
        mistakes.add(own.place, f"the file holds {own.kind}", "a sweep: a mapping of sections")
        return None
    for name, node in own.items.items():
        if name not in SECTIONS:
            mistakes.unknown(node.start, "section", name, [*SECTIONS], "a section of a sweep")
    wanted = own.items.get("extends")
    if wanted is None or wanted.value is None:
        return own
    if not isinstance(wanted.value, str):
        mistakes.add(wanted.place, f"extends: {wanted.kind}", "the path of one sweep file")
        return own
    lower = path.parent / wanted.value
    if not lower.is_file():
        near = nearest(lower.name, [found.name for found in lower.parent.glob("*.y*ml")])
        mistakes.add(wanted.place, f"there is no file '{lower}'", "the path of a sweep file", near)
        return own
    parent = _with_parents(lower, wanted, (*below, path.resolve()), mistakes)
    if parent is None:
        return own
    inherited = {name: node for name, node in parent.items.items() if name != "name"}
    merged = merge(Node(inherited, parent.place), own)
    return Node(merged.value, own.place, own.folder)


def _with_profile(sweep: Node, asked: str | None, mistakes: Mistakes) -> tuple[Node, str]:
    section = sweep.items.get("profiles")
    if section is not None and not isinstance(section.value, dict):
        mistakes.add(section.place, f"profiles: {section.kind}", "a mapping of profiles")
    profiles = section.items if section is not None else {}
    for name, profile in profiles.items():
        if rule := misfit(name):
            mistakes.add(profile.start, f"profile: {name!r}", rule)
        if not isinstance(profile.value, dict):
            mistakes.add(profile.place, f"a profile: {profile.kind}", "a mapping of sections")
        for section_name, node in profile.items.items():
            if section_name not in OF_A_PROFILE:
                known = [*OF_A_PROFILE]
                rule = "a section of a profile"
                mistakes.unknown(node.start, "section", section_name, known, rule)
    chosen = asked if asked is not None else DEFAULT_PROFILE if DEFAULT_PROFILE in profiles else ""
    if not chosen:
        return sweep, ""
    if chosen not in profiles:
        where = Place(sweep.place.file)
        rule = "a profile of this sweep" if profiles else "no profile: this sweep has none"
        mistakes.unknown(where, "profile", chosen, [*profiles], rule)
        return sweep, ""
    return merge(sweep, profiles[chosen]), chosen


def _with_setting(sweep: Node, name: str, text: str, mistakes: Mistakes) -> Node:
    """One `--set name=text`; a name that is no section and has no dot is a setting of `base`."""
    file = f"--set {name}={text}"
    value = parse(text, file, Path.cwd(), mistakes)
    parts = name.split(".") if "." in name or name in OF_A_PROFILE else ["base", name]
    if not all(parts):
        mistakes.add(Place(file), f"'{name}' names nothing", "a setting, or section.setting")
        return sweep
    if parts[0] not in OF_A_PROFILE:
        mistakes.unknown(Place(file), "section", parts[0], [*OF_A_PROFILE], "a section of a sweep")
        return sweep
    if value is None:
        return sweep
    node = _at(Place(file), value)
    for part in reversed(parts):
        node = Node({part: node}, Place(file), Path.cwd(), Place(file))
    sweep = merge(sweep, node)
    return _pinned(sweep, parts[1]) if parts[0] == "base" and len(parts) == 2 else sweep


def _pinned(sweep: Node, name: str) -> Node:
    """What the command line sets does not vary: `over` and `parameters` keep this one value."""
    value = sweep.items["base"].items[name]
    for section in ("over", "parameters"):
        held = sweep.items.get(section)
        if held is not None and name in held.items:
            only = Node((value,), value.place, value.folder)
            values = Node({"values": only}, value.place, value.folder, value.key)
            entries = dict(held.items) | {name: values}
            fixed = Node(entries, held.place, held.folder, held.key)
            sweep = Node({**sweep.items, section: fixed}, sweep.place, sweep.folder)
    return sweep


def _at(place: Place, node: Node) -> Node:
    """`node` without lines and columns, which mean nothing on a command line."""
    value = node.value
    if isinstance(value, dict):
        value = {name: _at(place, each) for name, each in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_at(place, each) for each in value)
    return Node(value, place, node.folder, place)
