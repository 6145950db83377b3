"""Leeward: private software that helps a person leave an abusive relationship safely and stay out.

The layers, from the bottom: ``core``, then ``vault | people | messages``, then ``ingest``, then the areas, ``export``,
``app`` and the edges ``cli`` and ``web``. Imports only go down; docs/architecture.md is the map.
"""

__version__ = "0.1.0"
