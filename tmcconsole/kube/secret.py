"""Secret values that do not reveal themselves, and the error for unusable credentials."""

from __future__ import annotations

from typing import Final, NoReturn, SupportsIndex

from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.contract.text import MAX_LENGTH, SafeText

_MASK: Final = "<secret>"


class CredentialsError(Exception):
    """Credentials are missing or unusable. One line that names the file and the fix."""

    def __init__(self, message: str) -> None:
        super().__init__(SafeText(cut_and_hide(message, MAX_LENGTH)))


class Secret:
    """A value that is printed, logged and formatted as a mask, and cannot be pickled or copied;
    ``reveal`` is for the one place that sends it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return _MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")
