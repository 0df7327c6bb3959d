"""The main job, end to end: oracle, policy, adaptive answers, and a report about them."""
