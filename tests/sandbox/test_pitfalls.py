"""What went wrong in other sandboxes, and in our own first one; each has its tests.

pitfall                                                   test
a compile bomb by nested `finally`                        test_the_gate_refuses
source is compiled in the owner before it was tried       test_the_owner_compiles_nothing_to_try_a_method
`from x import y`, C functions and getattr pass no guard  test_an_attack_ends_as_it_must
attributes by str.format, AttributeError.obj, except*     test_an_attack_ends_as_it_must
a parameter that shadows a guard                          test_an_attack_ends_as_it_must
modules that lead to other modules                        test_an_attack_ends_as_it_must
what models really write is refused                       test_an_idiom_gives_what_python_gives
the same, by a small model's own samples                  test_what_the_mind_wrote_passes_the_gate_and_does_what_python_does
timers need the main thread                               test_another_thread_has_fuel_and_no_clock
fuel is the process's                                     test_one_thread_at_a_time_runs_generated_code
a C call that nothing interrupts                          test_a_method_that_nothing_else_can_stop_is_killed
an exhaustion that is swallowed                           test_an_exhaustion_that_generated_code_swallows_is_a_failure
savepoints need a folder inside the walls                 test_a_walled_universe_commits_objects_savepoints_and_blobs
fork is denied inside the walls                           test_an_owner_inside_its_walls_still_starts_and_kills
a record names any class                                  test_a_record_cannot_change_what_it_only_names
a trial that forges its verdict                           test_a_jail_is_never_told_what_is_expected
the same, with what it may say                            test_a_child_that_forges_its_answer_convinces_nobody
stored source under an older policy                       test_source_is_compiled_once_for_each_version_of_the_policy
a wall is missing                                         test_a_missing_wall_confines_nothing
"""  # noqa: E501

from __future__ import annotations

import re
from pathlib import Path


def test_every_pitfall_has_its_test() -> None:
    assert __doc__ is not None
    listed = re.findall(r" (test_\w+)$", __doc__, re.MULTILINE)

    sources = [path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py")]
    defined = {
        name for text in sources for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    }

    assert len(listed) >= 19
    assert set(listed) <= defined
