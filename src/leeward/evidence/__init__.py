"""Evidence: incidents she wrote down, items in one stream, and the custody of what was handed over."""
