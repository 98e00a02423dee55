"""Passwords of machines in text, by the forms their issuers gave them so that they can be found.

Source: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
"""

from __future__ import annotations

import re

FORMS = {
    "private_key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "aws_access_key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "github_token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b",
    "gitlab_token": r"\bglpat-[\w-]{20,}",
    "slack_token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}\b",
    "slack_webhook": r"\bhooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20,}",
    "google_api_key": r"\bAIza[\w-]{35}(?![\w-])",
    "stripe_key": r"\b[rs]k_live_[A-Za-z0-9]{20,}\b",
    "openai_key": r"\bsk-(?:proj-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}",
    "anthropic_key": r"\bsk-ant-[a-z0-9]+-[\w-]{80,}",
    "hugging_face_token": r"\bhf_[A-Za-z]{34}\b",
    "npm_token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "pypi_token": r"\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}",
    "sendgrid_key": r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
}
# What each form has in it always: to look for words is a hundred times as fast as to look for forms.
WORDS = {
    "private_key": ("PRIVATE KEY",),
    "aws_access_key": ("AKIA", "ASIA"),
    "github_token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "gitlab_token": ("glpat-",),
    "slack_token": ("xox",),
    "slack_webhook": ("hooks.slack.com",),
    "google_api_key": ("AIza",),
    "stripe_key": ("k_live_",),
    "openai_key": ("T3BlbkFJ",),
    "anthropic_key": ("sk-ant-",),
    "hugging_face_token": ("hf_",),
    "npm_token": ("npm_",),
    "pypi_token": ("pypi-AgEI",),
    "sendgrid_key": ("SG.",),
}
COMPILED = {name: re.compile(form) for name, form in FORMS.items()}


def secrets_in(text: str) -> list[str]:
    """The kinds of secrets that a text holds, each once, sorted."""
    return sorted(
        name for name, form in COMPILED.items() if any(word in text for word in WORDS[name]) and form.search(text)
    )
