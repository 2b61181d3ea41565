"""The `comity` command."""

__all__ = ["main"]


def main() -> None:
    """Run the command; loads the rest only now."""
    from comity.cli.app import run

    run()
