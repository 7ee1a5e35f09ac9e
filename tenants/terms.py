"""What the contract promises, as figures; the defaults of every contract."""

from datetime import timedelta

# Clause 2.1(1), R50-R51: first visitor message of an inquiry to the first visible reply.
FIRST_REPLY = timedelta(seconds=10)
# Clause 2.1(3), R63: triggering message to the acknowledged hand-off package.
HANDOFF = timedelta(seconds=60)
# R-definition of an inquiry: it ends after this silence.
INQUIRY_IDLE = timedelta(minutes=30)
# Clause 2.2(3), R91: from the report to the wrong entry out of use, and to its correction.
WRONG_ENTRY_OUT = timedelta(hours=1)
MISMATCH_CORRECTED = timedelta(hours=4)

CLAUSE_FIRST_REPLY = "2.1(1)"
CLAUSE_HANDOFF = "2.1(3)"
