"""Tells trial of the reporter ``verdicts``, where this is on the Python path."""

from twisted.plugin import IPlugin
from twisted.trial.itrial import IReporter
from zope.interface import provider


@provider(IPlugin, IReporter)
class verdicts:  # noqa: N801
    """What trial asks of a plugin, in its own spelling."""

    name = "Verdicts"
    description = "trial's usual report, and verdicts on the cases of the v1 contract"
    longOpt = "verdicts"  # noqa: N815
    shortOpt = None  # noqa: N815
    module = "tests.conformance.verdicts"
    klass = "Verdicts"
