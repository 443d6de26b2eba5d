"""The writing half of MLflow, and the names that writer and reader share."""
