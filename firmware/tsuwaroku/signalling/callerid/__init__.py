"""Caller ID: NTT's JCLIP, Bellcore's SDMF and MDMF, ETSI's MDMF, DTMF. What is not certain is unreadable."""

from tsuwaroku.signalling.callerid.bydtmf import DtmfCallerId
from tsuwaroku.signalling.callerid.model import Absence, CallerId
from tsuwaroku.signalling.callerid.receiver import CallerIdReceiver

__all__ = ["Absence", "CallerId", "CallerIdReceiver", "DtmfCallerId"]
