"""lm-evaluation-harness's own command line, with the model ``budget`` registered.

    python -m experiments.evals.lm_eval --model budget --model_args model=m3,policy=m3 --tasks TASK

All flags are the tool's own. It has no entry points for models, so that somebody has to import ours
before it looks; needs the extra ``lm-eval``.
"""

import sys


def main() -> None:
    """Register the model and run the tool."""
    try:
        from lm_eval.__main__ import cli_evaluate
    except ImportError as error:
        sys.exit(f"budget: {error}: pip install 'matryoshka-budget[lm-eval]' brings the tool")
    import experiments.evals.lm_eval_models  # noqa: F401 - registers

    cli_evaluate()


if __name__ == "__main__":
    main()
