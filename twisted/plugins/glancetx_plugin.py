"""Puts ``glance`` among twistd's commands; the daemon is imported only when it is asked for."""

from twisted.application.service import ServiceMaker

glance = ServiceMaker("glance", "glancetx.daemon", "A streaming image server", "glance")
