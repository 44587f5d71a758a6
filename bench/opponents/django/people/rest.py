from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer


class OneRenderer(BaseContentNegotiation):
    """There is only JSON to choose from."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class Utf8JSONRenderer(JSONRenderer):
    charset = "utf-8"
