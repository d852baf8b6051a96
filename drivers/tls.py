"""What a secure connection needs: whom we trust, and who we are, from files."""

from __future__ import annotations

import ssl

from drivers.options import Options

FILES = ("ca", "certificate", "key")


def client_context(options: Options) -> ssl.SSLContext:
    """TLS 1.2 or later, the server's certificate always checked: against ``ca`` or, without it, the system's own list.
    ``certificate`` and ``key`` are ours. Raises ``ValueError`` with the files that cannot be used.
    """
    files = {key: options.text(key) for key in FILES}
    try:
        context = ssl.create_default_context(cafile=files["ca"] or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if files["certificate"]:
            context.load_cert_chain(files["certificate"], files["key"] or None, password=_refuse)
    except OSError as error:
        raise ValueError(f"TLS: {', '.join(filter(None, files.values()))}: {error}") from error
    return context


def _refuse() -> str:
    """Without this OpenSSL would ask on the terminal, and wait."""
    raise ValueError("TLS: the key is locked by a pass phrase, for which nobody can be asked; give one without")
