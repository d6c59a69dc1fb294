"""The one redactor of text, with the one list of the forms of secrets. Pure.

Every form costs time in proportion to the text: no quantifier can run over the same text again and
again. What is shown instead says only that something was there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

SHOWN: Final = "<redacted>"
MARGIN: Final = 4096  # characters beyond a cut that are looked at, so that no half secret is left

# Words that, anywhere in a name, make it the name of a secret.
_WORDS: Final = (
    r"passw|passphrase|pwd|secret|token|credential|dockercfg|dockerconfig|"
    r"(?:api|private|access|account|signing|encryption|client)[-_.]?key"
)
_FIELD_WORDS: Final = rf"(?:{_WORDS}|(?<![A-Za-z0-9])auth(?![A-Za-z0-9]))"
# Names that say only where a secret is.
_HARMLESS: Final = re.compile(
    r"(?i)(?:names?|refs?|files?|paths?|urls?|kinds?|types?|namespaces?|seconds|policy|mode|count|"
    r"exists|version|id|issuer|keyref|less)[\"'\\]*\Z"
)
_SECRET_NAME: Final = re.compile(rf"(?i)(?:{_WORDS})")
_PLAIN_WORD: Final = re.compile(r"[A-Z]?[a-z]{1,11}\.?")
_VALUE: Final = (
    r"(?:[|>][-+0-9]{0,2}[ \t]{0,3}(?:(?:\n|\\n|\\x0a)[ \t]++[^\n\\]*+)++"  # a block of YAML
    r"|\\{1,3}[\"'].*?(?:\\{1,3}[\"']|\Z)"  # quoted within a quoted text
    r"|\"(?:[^\"\\]|\\.)*+(?:\"|\\?\Z)|'[^']*+(?:'|\Z)"
    r"|[^\s,;&\"'<>{}\[\]()\\]++)"
)
_GAP: Final = r"[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}"
_FIELD: Final = re.compile(rf"(?is)({_FIELD_WORDS}[\w.-]{{0,40}}+{_GAP})({_VALUE})")
_NAMED: Final = re.compile(
    rf"(?is)(\bname{_GAP}[\"'\\]{{0,4}}[\w.-]{{0,60}}?(?:{_WORDS})[\w.-]{{0,60}}+"
    rf"(?:[\"',\s]|\\n|\\x0a|\\){{1,40}}+value{_GAP})({_VALUE})"
)
_RUN: Final = re.compile(r"[\w.-]{16,}+", re.A)
_JWT: Final = "eyJ"
_JWT_HEAD: Final = 11  # characters at least, up to the first dot

Shown = str | Callable[[re.Match[str]], str]


def hide_secrets(text: str) -> str:
    """Return ``text`` without tokens, keys and passwords of any form."""
    for pattern, shown in _FORMS:
        text = pattern.sub(shown, text)
    return text


def cut_and_hide(text: str, most: int) -> str:
    """Return what may be shown of a long text: at most ``most`` characters, without secrets.

    Cut first: a remote value may be of any size, and only what is shown is worth looking at.
    """
    if len(text) <= most + MARGIN:
        return hide_secrets(text)[:most]
    beginning = text[: most + MARGIN]
    end = max(beginning.rfind(sign) for sign in ' \n",')  # half a word may be half a secret
    return hide_secrets(beginning[:end] if end > most else beginning)[:most]


def is_secret_name(name: str) -> bool:
    """Return whether a field, key or variable of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS.search(name)


def _hide_jwt(found: re.Match[str]) -> str:
    """A JWT in a run of its characters: its head, a dot and more; or cut off by the text's end."""
    run = found[0]
    start = run.find(_JWT)
    while start >= 0:
        dot = run.find(".", start)
        if dot < 0:
            is_cut = found.end() == len(found.string) and len(run) - start >= 2 * _JWT_HEAD
            return f"{run[:start]}<redacted jwt>" if is_cut else run
        if dot - start >= _JWT_HEAD and run[dot + 1 : dot + 2] not in ("", "."):
            return f"{run[:start]}<redacted jwt>{'.' if run.endswith('.') else ''}"
        start = run.find(_JWT, dot)
    return run


def _hide_field(found: re.Match[str]) -> str:
    head, value = found[1], found[2]
    name = re.split(r"[:=]", head, maxsplit=1)[0].rstrip()
    if _HARMLESS.search(name):
        return found[0]
    # "invalid token: expired" is prose; a password may be any word.
    is_prose = ":" in head and _PLAIN_WORD.fullmatch(value) and "pass" not in name.lower()
    return found[0] if is_prose else f"{head}{_hidden(value)}"


def _hide_value(found: re.Match[str]) -> str:
    return f"{found[1]}{_hidden(found[2])}"


def _hidden(value: str) -> str:
    """Return the mask in the value's quotes, so that a document stays valid."""
    quotes = re.match(r"\\{0,3}[\"']", value)
    if quotes is None:
        return SHOWN
    return f"{quotes[0]}{SHOWN}{quotes[0]}"


_FORMS: Final[tuple[tuple[re.Pattern[str], Shown], ...]] = (
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)", re.S),
        "<redacted pem>",
    ),
    # The same in base64, but for certificates, which are public.
    (re.compile(r"LS0tLS1CRUdJTi(?!BDRVJU)[A-Za-z0-9+/=]++"), "<redacted pem>"),
    (_RUN, _hide_jwt),
    (re.compile(r"(?i)(bearer|basic|negotiate)\s{1,4}[\w.~+/=-]{8,}+"), rf"\1 {SHOWN}"),
    (re.compile(r"(://[^/\s:@\"']{0,256}:)[^\s/\"'<>]{1,512}@"), rf"\1{SHOWN}@"),
    (re.compile(r"(://)[^/\s:@\"'<>]{20,512}@"), rf"\1{SHOWN}@"),
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}[\"'\\]{0,4})"
            r"(?!\s|bearer|basic|negotiate|<|\"|'|\\)[^\s\"'\\,;]{1,4096}+"
            r"(?:[ ][^\s\"'\\,;]{1,4096}+)?"
        ),
        rf"\1{SHOWN}",
    ),
    (
        re.compile(r"(?i)\b((?:set-)?cookie[\"'\\]{0,4}\s{0,3}:\s{0,3})[^\s<][^\n\"']*+"),
        rf"\1{SHOWN}",
    ),
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{16,}+|github_pat_\w{20,}+|glpat-[\w-]{16,}+"
            r"|xox[abeprs]-[\w-]{10,}+|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}+|[sr]k_(?:live|test)_\w{16,}+"
            r"|sk-[\w-]{20,}+|npm_[A-Za-z0-9]{30,}+|hv[sb]\.[\w-]{20,}+|dop_v1_\w{20,}+|ya29\.[\w-]{20,}+"
            r"|SG\.[\w-]{16,64}+\.[\w-]{16,}+|AGE-SECRET-KEY-\w{10,}+|sha256~[\w-]{20,}+)"
        ),
        SHOWN,
    ),
    # A bootstrap token of Kubernetes.
    (re.compile(r"(?<![\w.-])[a-z0-9]{6}\.(?=[a-z]{0,15}[0-9])[a-z0-9]{16}(?![\w.-])"), SHOWN),
    (_NAMED, _hide_value),
    (_FIELD, _hide_field),
    (
        re.compile(
            rf"(?i)((?<![\w-])--?[\w-]{{0,40}}?(?:{_WORDS})[\w-]{{0,40}}+\s{{1,3}})"
            r"(?![-<])[^\s\"']{1,4096}+"
        ),
        rf"\1{SHOWN}",
    ),
    (
        re.compile(rf"(?i)(<[\w.:-]{{0,40}}?(?:{_WORDS})[\w.-]{{0,40}}+>)[^<]{{1,4096}}+"),
        rf"\1{SHOWN}",
    ),
    (
        re.compile(r"(?i)(\blogin\s{1,3}\S{1,256}+\s{1,3}password\s{1,3})[^\s<]{1,512}+"),
        rf"\1{SHOWN}",
    ),
    (re.compile(r"(\s-u\s{0,3}[^\s:]{1,128}:)[^\s<]{1,512}+"), rf"\1{SHOWN}"),
    (re.compile(r"(\bsshpass\s{1,3}-p\s{0,3})[^\s<]{1,512}+"), rf"\1{SHOWN}"),
)
