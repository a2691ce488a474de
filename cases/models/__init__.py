"""The records of the domain, a file per concept; import them from here.

Submission and case are many-to-many from the first migration. Rows only: what may be done with them is in operations/.
"""

from cases.models.answers import Answer, AnswerSubmission, PublishedReply, Rating, UnitEvaluation
from cases.models.assignments import Assignment, AssignmentRequest, Decision, HandlingNote
from cases.models.cases import Case, CaseExclusion, CaseReader, ExternalNumber, SubmissionCase
from cases.models.citizens import BlockedNumber, Citizen, CodeAttempt, ContactPoint, ContactPointOwner, Party
from cases.models.classification import Classification
from cases.models.clocks import Alert, Card, CaseClock, ClockPause, DeadlinePolicy, PolicySet
from cases.models.contacts import CallBack, CallBackAttempt, Contact, ContactSubmission
from cases.models.events import Event, HistoryAnchor
from cases.models.submissions import Attachment, ExtraField, Message, QueryCode, Submission, SubmissionPoint

__all__ = [
    "Alert",
    "Answer",
    "AnswerSubmission",
    "Assignment",
    "AssignmentRequest",
    "Attachment",
    "BlockedNumber",
    "CallBack",
    "CallBackAttempt",
    "Card",
    "Case",
    "CaseClock",
    "CaseExclusion",
    "CaseReader",
    "Citizen",
    "Classification",
    "ClockPause",
    "CodeAttempt",
    "Contact",
    "ContactPoint",
    "ContactPointOwner",
    "ContactSubmission",
    "DeadlinePolicy",
    "Decision",
    "Event",
    "ExternalNumber",
    "ExtraField",
    "HandlingNote",
    "HistoryAnchor",
    "Message",
    "Party",
    "PolicySet",
    "PublishedReply",
    "QueryCode",
    "Rating",
    "Submission",
    "SubmissionCase",
    "SubmissionPoint",
    "UnitEvaluation",
]
