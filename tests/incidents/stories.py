"""All incidents: importing this fills the list."""

from tests.incidents import stories_network, stories_objects, stories_pods
from tests.incidents.script import INCIDENTS

FILES = (stories_network, stories_objects, stories_pods)

__all__ = ["FILES", "INCIDENTS"]
