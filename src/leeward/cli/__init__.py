"""The command line. Commands call ``leeward.app`` and nothing else; how they speak is in ``voice``."""
