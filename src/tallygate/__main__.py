"""`python -m tallygate` is the command line too, for places where scripts are not on the path."""

from tallygate.cli import main

main()
