"""From a file someone gives to records: detection, confinement and one reader for each kind of export."""
