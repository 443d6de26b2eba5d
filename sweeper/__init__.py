"""Hyperparameter and ablation sweeps of prompt-learning methods on frozen vision transformers."""
