"""What can go wrong with a model, each with a sentence that says what to do."""

from core.errors import HubError


class ModelError(HubError):
    """A model file cannot be used."""

    status = 500


class DamagedModel(ModelError):
    """The model file is missing, changed, cut short or of another format."""


class MissingData(HubError):
    """A labelled file that training and measuring need is not in the folder."""

    status = 500


class UnknownCategory(HubError):
    """A first-level category was named that the model does not know."""

    status = 400
