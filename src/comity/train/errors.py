"""What can go wrong in a stage that a user can mend, in one place for those who say it in a line."""

from comity.agents.negotiators import HeldOutPartner
from comity.models.chat_templates import TemplateError
from comity.train.examples import ExamplesError
from comity.train.folders import FolderError
from comity.train.questions import QuestionsError
from comity.train.refusals import PromptsError
from comity.train.rows import RowsError
from comity.train.safety.cases import CaseError
from comity.train.settings import FitError
from comity.train.toxicity import ToxicityError

__all__ = ["MENDABLE"]

MENDABLE = (
    CaseError,
    ExamplesError,
    FitError,
    FolderError,
    HeldOutPartner,
    PromptsError,
    QuestionsError,
    RowsError,
    TemplateError,
    ToxicityError,
)
"""Each says what to do; nothing that was done is lost."""
