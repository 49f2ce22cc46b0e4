"""Ctrl-C and a closed terminal are heard, whatever started the tests.

A background job ignores SIGINT and `nohup` SIGHUP, and every child inherits that.
"""

import signal


signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
