"""``python -m tests.bench.far_end FD …``: the instruments at the other ends of pseudo-terminals.

Whatever comes is answered with the same frame at once, by one process for all lines, until every line is hung up.
"""

import os
import select
import sys

REQUEST = b"A\r"
REPLY = b"A +014.62 +021.89 +000.00 +000.00 +000.00     N2\r"
"""The data frame of a mass-flow controller."""


def answer(lines):
    """Serve until nothing is left."""
    poll = select.epoll()
    for line in lines:
        poll.register(line, select.EPOLLIN)
    left = len(lines)
    while left:
        for line, _ in poll.poll():
            try:
                os.read(line, 4096)
                os.write(line, REPLY)
            except OSError:
                poll.unregister(line)
                left -= 1


if __name__ == "__main__":
    answer([int(word) for word in sys.argv[1:]])
