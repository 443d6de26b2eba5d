"""From a plan to Optuna's samplers and Tune's schedulers."""
