"""``python -m gondwana``: the ``gondwana`` command, where the folder of scripts is not on the path."""

from gondwana.nas.cli import main

main()
