"""dbt with less of what nobody reads: what a small node costs is dbt's own work, half a thousand times a build.

Three things of dbt 1.11 are put in the place of its own for the life of the process. What dbt does stays as it is: an
event that no log takes is not worded, a macro is bound to a node's context in one step instead of three, and which of
several macros of one name counts is worked out once a context instead of at every look.
"""

from typing import Any

_TOLD = "NodeFinished"  # of the lowest level, but what progress is told by


def lighten() -> None:
    """Put them in place; a second call changes nothing."""
    from dbt.clients import jinja
    from dbt.context import macros
    from dbt_common.events import event_manager_client
    from dbt_common.events.base_types import EventLevel, msg_from_base_event
    from dbt_common.events.event_manager import EventManager

    class Events(EventManager):
        """dbt's own, but events of level debug, three for each statement, are worded for nobody's log."""

        def fire_event(self, e: Any, level: Any = None, *more: Any, **options: Any) -> None:
            """Tell an event to whoever takes it."""
            if (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *more, **options)
            elif type(e).__name__ == _TOLD:
                message = msg_from_base_event(e, level)
                for callback in self.callbacks:
                    callback(message)

    if type(event_manager_client.get_event_manager()) is EventManager:
        event_manager_client.ctx_set_event_manager(Events())
    jinja.MacroGenerator.__init__ = _bind
    macros.MacroNamespace.__init__ = _merge
    macros.MacroNamespace._keys = lambda self: self.merged
    macros.MacroNamespace.__getitem__ = lambda self, key: self.merged[key]


def _bind(self: Any, macro: Any, context: Any = None, node: Any = None, stack: Any = None) -> None:
    """What the constructors of dbt's three classes set one after the other, for each of 700 macros and each node."""
    self.context = context
    self.macro = macro
    self.node = node
    self.stack = stack


def _merge(
    self: Any,
    global_namespace: dict[str, Any],
    local_namespace: dict[str, Any],
    global_project_namespace: dict[str, Any],
    packages: dict[str, Any],
) -> None:
    """The macros by name: dbt looks through the same five places, `local_namespace` first, whenever it is asked."""
    self.global_namespace, self.local_namespace = global_namespace, local_namespace
    self.global_project_namespace, self.packages = global_project_namespace, packages
    dbt = {"dbt": global_project_namespace}
    self.merged = global_project_namespace | dbt | packages | global_namespace | local_namespace
