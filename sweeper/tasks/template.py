"""The text that names of classes are written into, where it is to be another than the task's."""

from __future__ import annotations

from dataclasses import replace

from sweeper.errors import InputError, Problem
from sweeper.tasks import joint
from sweeper.tasks.task import TaskInfo


def worded(info: TaskInfo, template: str) -> TaskInfo:
    """`info` with another template: a text with '{}', or the name of one that the task has.

    Of a joint task it is the template of each part. An empty one changes nothing. Raises InputError
    for a name that the task, or a part of it, does not have, and where the parts cannot be told
    apart any more.
    """
    if not template:
        return info
    lacking = [
        Problem(
            f"template of task '{each.name}'",
            f"'{template}'",
            f"one that it has ({', '.join(each.templates) or 'none'}), or a text with '{{}}'",
        )
        for each in (info.joined or (info,))
        if "{}" not in template and template not in each.templates
    ]
    if lacking:
        raise InputError(lacking)
    if info.joined:
        again = joint.describe([worded(part, template) for part in info.joined])
        return replace(info, classes=again.classes, joined=again.joined)
    return replace(info, template=info.templates.get(template, template))
