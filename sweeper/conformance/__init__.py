"""What every method file must keep, checked on a real backbone.

Each check is a function `check(plugin, backbone)` that raises `InputError` with the broken
promise. `CHECKS` holds them by the promise, and `keeps` runs one; a method that keeps all can be
swept.
"""

from __future__ import annotations

from collections.abc import Callable

from sweeper.backbones.backbone import Backbone
from sweeper.conformance import outputs, training
from sweeper.errors import InputError, Problem
from sweeper.method import Plugin, place_in

CHECKS: dict[str, Callable[[Plugin, Backbone], None]] = {
    check.__name__: check
    for check in (
        outputs.docstring_has_its_sections,
        outputs.parameters_say_where_they_come_from,
        outputs.logits_are_finite_and_shaped,
        outputs.bounds_are_refused_or_run,
        outputs.refusals_are_reasons,
        outputs.half_precision_works,
        outputs.evaluation_is_per_image,
        training.backbone_stays_as_it_is,
        training.trains_what_it_says,
        training.seeds_decide_everything,
        training.state_travels,
        training.features_are_frozen,
        training.tower_features_are_the_towers,
        training.what_enters_late_is_enough,
        training.rounds_begin_anew,
    )
}


def keeps(promise: str, plugin: Plugin, backbone: Backbone) -> None:
    """Run the check of one promise. Raises InputError where it is broken, or the file raises."""
    try:
        CHECKS[promise](plugin, backbone)
    except InputError:
        raise
    except Exception as error:  # the author's code, told as the author's mistake
        place = f"method file {place_in(error, plugin.source)}"
        got = f"{promise.replace('_', ' ')}: {type(error).__name__}: {error}"
        raise InputError(
            Problem(place, got, "no exception", "sweeper/method.py says what there is to use.")
        ) from error
