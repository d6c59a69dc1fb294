"""Forms in which secrets turn up in text; each holds a canary of its own."""

from __future__ import annotations

from typing import Final

JWT: Final = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqYW5lIn0"
PEM: Final = "EC PRIVATE KEY"
TEMPLATES: Final = (
    *("Authorization: Bearer {}", "authorization: Basic {}", f"sent {JWT}.{{}} to"),
    f"-----BEGIN {PEM}-----\n{{}}\n-----END {PEM}-----",
    "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ{}",
    *("https://jane:{}@example.com/x", "redis://:{}@example.com:6379", "https://a:b@{}@h/x"),
    *("password={}", "password: {}", '{{"db": {{"password": "{}"}}}}', "{{'passwd': '{}'}}"),
    *('{{\\"clientSecret\\":\\"{}\\"}}', "--db-password={} -v", "mysql --password {} -v"),
    *("GET /x?access_token={}&a=b", "AWS_SECRET_ACCESS_KEY={}", "api_key: {}", 'token = "{}"'),
    *("X-Api-Key: {}", "ghp_{}0000000000000000", "glpat-{}00000000", "xoxb-1-{}00"),
    *('{{"auths": {{"r": {{"auth": "{}"}}}}}}', "Set-Cookie: sid={}; Path=/", "curl -u jane:{} x"),
    *("passphrase: {}", "Server=x;Pwd={};Db=y", "<password>{}</password>"),
    *("- name: DB_PASSWORD\n  value: {}", "password: |\n  {}\nnext: 1", "login jane password {} x"),
)


def canary(number: int) -> str:
    """Return a value that nothing but its secret contains."""
    return f"c4naRy{number:03}Q"


def forms(start: int = 0) -> list[str]:
    """Return every form, with the canaries from ``start`` on."""
    return [form.format(canary(start + number)) for number, form in enumerate(TEMPLATES)]
