"""We say here what each kind of job does, one file for each kind."""

from core.jobs.kinds.train import (
    TrainingResult,
    assess_work,
    compare_work,
    deploy_work,
    explore_work,
    make_assessment_job,
    make_comparison_job,
    make_deployment_job,
    make_exploration_job,
    make_scaling_job,
    make_training_job,
    scaling_work,
    train_work,
)

__all__ = [
    "TrainingResult",
    "assess_work",
    "compare_work",
    "deploy_work",
    "explore_work",
    "make_assessment_job",
    "make_comparison_job",
    "make_deployment_job",
    "make_exploration_job",
    "make_scaling_job",
    "make_training_job",
    "scaling_work",
    "train_work",
]
