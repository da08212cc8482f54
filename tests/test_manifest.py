"""The app manifest: valid for Slack, and with the scopes that the code's own calls need, no more."""

import ast
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "tests" / "data" / "manifest.schema.json"

# The bot token's scopes that each method needs, by its own page. https://docs.slack.dev/reference/methods
SCOPES: dict[str, set[str]] = {
    "apps.connections.open": set(),  # the app-level token's connections:write
    "auth.test": set(),
    "bots.info": {"users:read"},
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.join": {"channels:join"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read"},
}
SCOPES_WITHOUT_A_CALL = {"commands"}
CHANNEL_CHECK_SCOPES = SCOPES["conversations.info"]


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def http_manifest() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "bot/docs/manifest-http.yml").read_text(encoding="utf-8"))
    return read


def schema_errors(manifest: dict[str, Any]) -> list[str]:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(manifest)]


def called_methods() -> set[str]:
    """The methods of Slack's Web API that the bot calls, read from its sources."""
    return {method for file in sources() for method in _calls(ast.parse(file.read_text(encoding="utf-8")))}


def sources() -> Iterator[Path]:
    """Everything that talks to Slack: all but the stand-ins and the cloud's client."""
    for file in sorted((ROOT / "bot").rglob("*.py")):
        if file.relative_to(ROOT / "bot").parts[0] not in ("sandbox", "taurusdb"):
            yield file


def _calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, first = node.func.attr, node.args[0] if node.args else None
        if name in ("call", "read", "api_call") and isinstance(first, ast.Constant) and "." in str(first.value):
            yield str(first.value)
        elif "_" in name and not name.startswith("_") and name != "api_call" and hasattr(AsyncWebClient, name):
            yield name.replace("_", ".")


def test_the_manifest_is_valid_for_slack(manifest: dict[str, Any]) -> None:
    assert schema_errors(manifest) == []


def test_the_schema_finds_a_wrong_manifest(manifest: dict[str, Any]) -> None:
    assert schema_errors({**manifest, "display_information": {"name": "x" * 36}}) != []


def test_the_manifest_is_for_socket_mode(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["token_rotation_enabled"] is False


def test_the_manifest_for_http_mode_is_valid_and_differs_in_three_places_only(
    manifest: dict[str, Any], http_manifest: dict[str, Any]
) -> None:
    address = "https://bot.example.com/slack/events"
    expected = copy.deepcopy(manifest)
    expected["settings"]["socket_mode_enabled"] = False
    expected["settings"]["interactivity"]["request_url"] = address
    for command in expected["features"]["slash_commands"]:
        command["url"] = address
    assert schema_errors(http_manifest) == []
    assert http_manifest == expected


def test_the_link_that_creates_the_app_carries_the_manifest(manifest: dict[str, Any]) -> None:
    (link,) = re.findall(r"^\[create\]: (\S+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    address, _, query = link.partition("?")
    fields = parse_qs(query)
    assert address == "https://api.slack.com/apps"
    assert fields.pop("new_app") == ["1"]
    (carried,) = fields.pop("manifest_json")
    assert json.loads(carried) == manifest
    assert not fields


def test_the_command_says_how_it_is_used(manifest: dict[str, Any]) -> None:
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/starrocks-upgrade"
    assert command["description"]
    assert {"<instance_id>", "[--delay]", "[--skip-validate]", "help"} <= set(command["usage_hint"].split())


def test_every_method_that_is_called_has_known_scopes() -> None:
    called = called_methods()
    assert {"chat.postMessage", "chat.update", "users.info", "conversations.open", "apps.connections.open"} <= called
    assert called <= set(SCOPES)


def test_the_scopes_are_those_that_the_calls_need(manifest: dict[str, Any]) -> None:
    needed = SCOPES_WITHOUT_A_CALL.union(*(SCOPES[method] for method in called_methods()))
    manifest_scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert len(manifest_scopes) == len(set(manifest_scopes))
    assert needed <= set(manifest_scopes)
    assert set(manifest_scopes) <= needed | CHANNEL_CHECK_SCOPES
