"""The reading half: the store into tidy tables, statistics, figures and a report."""
