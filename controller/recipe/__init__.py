"""Recipes: the condition language, the recipe model and its checks, and the engine that runs batches in the scan."""
