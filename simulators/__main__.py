"""``python -m simulators``: a site's instruments as processes.

Reads one JSON document from stdin, prints one JSON line with every address once all instruments answer, then is
silent until SIGTERM (or, with ``"with_parent": true``, until stdin closes). Exit code 0 when stopped, 1 when the start
or the plant fails, 2 when the document is wrong.
"""

from __future__ import annotations

import logging
import sys

from simulators.instrument import SpecError
from simulators.spec import parse_spec, read_document


def main() -> int:
    """Run the site described on stdin; gives the exit code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="simulators: %(levelname)s %(message)s")
    try:
        spec = parse_spec(read_document(sys.stdin))
    except SpecError as error:
        sys.stderr.write(f"simulators: {error}\n")
        return 2
    from simulators.process import Family

    return Family(spec).run()


if __name__ == "__main__":
    sys.exit(main())
