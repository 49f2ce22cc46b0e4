"""Answers that can be checked: problems, rollouts, rewards, objectives, test time."""
