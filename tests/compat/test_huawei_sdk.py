"""The official SDK of the cloud against the stand-in, and its requests against ours, operation by operation.

Not collected with the other tests: .ci/run runs this file in an environment of its own, with the SDK from PyPI.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkgaussdb import v3

from bot.core.errors import CloudError
from bot.core.messages import Language
from bot.core.polling import UpgradeSearch
from bot.sandbox.taurusdb import OPERATIONS, StandInCloud
from bot.sandbox.taurusdb.api import ERRORS, ApiRequest
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.signing import AkSk

# The SDK calls the list of instances deprecated, for a /v3.1 with other names of states; the API's page does not.
pytestmark = pytest.mark.filterwarnings("ignore:Method 'list_gauss_my_sql_instances':DeprecationWarning")

SDK_METHODS = {
    "upgrade": "upgrade_sr_kernel_version",
    "job": "show_gauss_my_sql_job_info",
    "immediate": "list_immediate_jobs",
    "scheduled": "list_schedule_jobs",
    "cancel": "cancel_schedule_task",
    "nodes": "list_instance_node",
    "data-sync": "list_star_rocks_data_replications",
    "instance": "list_starrocks_instance_info",
    "htap": "list_htap_instance_info",
    "taurusdb": "list_gauss_my_sql_instances",
}
JOB_ID = "9a7d3c1b-2f4e-4d8a-b1c0-5e6f7a8b9c0d"
OURS = {"upgrade", "job", "immediate", "scheduled", "cancel", "instance", "htap", "taurusdb"}
SHAPES_WITH_CODE = ("error_code", "errorCode", "code")  # those that the SDK reads, too
# Who sends it, how the connection is kept, when it was signed: these say nothing of the API.
HEADERS_OF_THE_CLIENT = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "host",
    "user-agent",
    "x-sdk-date",
}


class RecordingCloud(StandInCloud):
    """The stand-in, which also keeps the requests whole."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[ApiRequest] = []

    def log_request(self, request: ApiRequest) -> None:
        """Keep the request."""
        self.requests.append(request)
        super().log_request(request)


@dataclass(frozen=True, slots=True)
class Wire:
    """What of a request is the API's."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any

    @classmethod
    def of(cls, request: ApiRequest) -> "Wire":
        headers = {name: text for name, text in request.headers.items() if name not in HEADERS_OF_THE_CLIENT}
        headers["content-type"] = headers.get("content-type", "").partition(";")[0]  # charset: JSON is UTF-8 anyway
        query = sorted(parse_qsl(request.query, keep_blank_values=True))
        return cls(request.method, request.path, query, headers, json.loads(request.body) if request.body else None)


@pytest.fixture
async def cloud() -> AsyncIterator[RecordingCloud]:
    async with RecordingCloud() as cloud:
        cloud.set_speed("paused")
        yield cloud


@pytest.fixture
async def client(cloud: RecordingCloud) -> AsyncIterator[TaurusDb]:
    credentials = AkSk(cloud.access_key, cloud.secret_key, "", cloud.project_id)
    async with contextlib.aclosing(TaurusDb(cloud.endpoint, cloud.project_id, credentials)) as client:
        yield client


async def call_sdk(
    cloud: StandInCloud, operation: str, parameters: dict[str, Any], body: Any = None, language: str = "en-us"
) -> Any:
    """Call the SDK's method of an operation with parameters by their names on the wire; its response."""
    method = SDK_METHODS[operation]
    request_class = getattr(v3, f"{method.title().replace('_', '')}Request")
    attributes = {wire_name: name for name, wire_name in request_class.attribute_map.items()}
    values = {attributes[name]: value for name, value in {**parameters, "X-Language": language}.items()}
    if body is not None:
        values["body"] = getattr(v3, request_class.openapi_types["body"])(**body)
    credentials = BasicCredentials(cloud.access_key, cloud.secret_key, cloud.project_id)
    config = HttpConfig.get_default_config()
    config.timeout = (10, 30)
    builder = v3.GaussDBClient.new_builder().with_credentials(credentials).with_http_config(config)
    sdk = builder.with_endpoint(cloud.endpoint).build()
    return await asyncio.to_thread(getattr(sdk, method), request_class(**values))


async def repeat_by_sdk(cloud: StandInCloud, request: ApiRequest) -> None:
    """Let the SDK make the same call; whether it succeeds does not matter here."""
    names = {"starrocks_id": "starrocks_instance_id"}
    path = {names.get(name, name): value for name, value in request.path_params.items() if name != "project_id"}
    body = json.loads(request.body) if request.body else None
    with contextlib.suppress(ServiceResponseException):
        await call_sdk(cloud, request.operation, {**path, **request.query_params}, body, request.language)


def as_json(value: Any) -> Any:
    """A model of the SDK as JSON: what it has read, under the names on the wire."""
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if not hasattr(value, "openapi_types"):
        return value
    fields = {value.attribute_map[name]: getattr(value, name) for name in value.openapi_types}
    return {name: as_json(field) for name, field in fields.items() if field is not None}


def spelt(value: Any) -> str:
    """JSON text: in it 1, "1" and true are three things."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, default=str)


def assert_read_whole(response: Any) -> None:
    """The SDK's model has every field of the answer, unchanged: no unknown name, no value of another type."""
    raw = json.loads(response.raw_content)
    assert raw
    assert spelt(as_json(response)) == spelt(raw)


def test_every_operation_of_the_stand_in_has_its_method_of_the_sdk() -> None:
    assert set(SDK_METHODS) == set(OPERATIONS) - {"token"}


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("end", ["", "Running", "Completed", "Failed", "Canceled"])
async def test_the_sdk_reads_an_upgrade_and_its_job(cloud: RecordingCloud, delay: bool, end: str) -> None:
    instance = cloud.instances["sr-orders"]
    body = {"delay": delay, "is_skip_validate": False}
    accepted = await call_sdk(cloud, "upgrade", {"instance_id": instance.id}, body)
    assert_read_whole(accepted)
    job_id = accepted.job_id
    assert job_id == cloud.jobs[-1].id
    if end == "Running":
        cloud.set_progress(job_id, 60)
    elif end:
        cloud.finish(job_id, end, "FE node 2 did not start")
    for operation, parameters in (
        ("job", {"id": job_id}),
        ("immediate", {"offset": "0", "limit": "50"}),
        ("scheduled", {"offset": "0", "limit": "50"}),
        ("instance", {"instance_id": instance.parent_id, "starrocks_instance_id": instance.id}),
        ("htap", {"instance_id": instance.parent_id}),
    ):
        assert_read_whole(await call_sdk(cloud, operation, parameters))


async def test_the_sdk_reads_a_cancelled_scheduled_job(cloud: RecordingCloud) -> None:
    instance = cloud.instances["sr-orders"]
    await call_sdk(cloud, "upgrade", {"instance_id": instance.id}, {"delay": True, "is_skip_validate": True})
    response = await call_sdk(cloud, "cancel", {}, {"job_ids": [cloud.jobs[-1].id]})
    assert_read_whole(response)
    assert response.job_ids == [cloud.jobs[-1].id]


async def test_the_sdk_reads_everything_about_every_instance(cloud: RecordingCloud) -> None:
    assert_read_whole(await call_sdk(cloud, "taurusdb", {"offset": "0", "limit": "100"}))
    for instance in cloud.list_instances():
        assert_read_whole(await call_sdk(cloud, "htap", {"instance_id": instance.parent_id}))
        own = {"instance_id": instance.parent_id, "starrocks_instance_id": instance.id}
        assert_read_whole(await call_sdk(cloud, "instance", own))
        assert_read_whole(await call_sdk(cloud, "nodes", {"instance_id": instance.id}))
        assert_read_whole(await call_sdk(cloud, "data-sync", {"instance_id": instance.id}))


@pytest.mark.parametrize("shape", SHAPES_WITH_CODE)
@pytest.mark.parametrize("name", [name for name, error in ERRORS.items() if error.status != 429])  # the SDK hides it
async def test_the_sdk_reads_every_error_as_we_do(
    cloud: RecordingCloud, client: TaurusDb, name: str, shape: str
) -> None:
    cloud.inject_fault(name, "cancel", times=2, shape=shape)
    with pytest.raises(CloudError) as ours:
        await client.cancel_scheduled(JOB_ID, Language.EN)
    with pytest.raises(ServiceResponseException) as theirs:
        await call_sdk(cloud, "cancel", {}, {"job_ids": [JOB_ID]})
    sdk_error = theirs.value
    assert (ours.value.status, ours.value.code, ours.value.message) == (
        sdk_error.status_code,
        sdk_error.error_code,
        sdk_error.error_msg,
    )
    assert sdk_error.request_id == cloud.calls[-1].request_id


async def may_send() -> bool:
    return True


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("delay", [False, True])
async def test_our_requests_are_those_of_the_sdk(
    cloud: RecordingCloud, client: TaurusDb, delay: bool, language: Language
) -> None:
    instance = cloud.instances["sr-orders"]
    since = cloud.clock()
    await client.inventory.instances(10.0)
    await client.inventory.instance(instance.id, 10.0)
    accepted = await client.upgrade(
        instance.id, delay=delay, skip_validate=not delay, language=language, may_send=may_send
    )
    await client.job(accepted.job_id, language)
    for scheduled in (False, True):
        await client.find_upgrade(UpgradeSearch(instance.id, scheduled, since), language)
    await client.cancel_scheduled(accepted.job_id, language)
    ours = list(cloud.requests)
    assert {request.operation for request in ours} >= OURS
    for request in ours:
        await repeat_by_sdk(cloud, request)
        assert cloud.requests[-1] is not request
        assert Wire.of(request) == Wire.of(cloud.requests[-1])
