"""For all tests: Ctrl-C works in the programs that they start, also where they themselves run in the background.

A shell lets a program in the background ignore the signal, and what that program starts inherits it.
"""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
