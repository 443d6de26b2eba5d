"""The only door to ray: driver, worker, placement, failures."""
