"""Access control lists: those that change nothing are accepted, and those that let others in are refused."""

import pytest

from naiad.service.domain.job import ACCOUNT_ID

OWNER = (
    f"<AccessControlPolicy><Owner><ID>{ACCOUNT_ID}</ID></Owner><AccessControlList><Grant><Grantee><ID>{ACCOUNT_ID}</ID></Grantee>"
    "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"
)
EVERYBODY = OWNER.replace(
    f"<Grantee><ID>{ACCOUNT_ID}</ID>", "<Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>"
)


@pytest.fixture(autouse=True)
def _an_object(call):
    call("PUT", "/data/k", body=b"x")


@pytest.mark.parametrize("path", ["/data?acl", "/data/k?acl"])
@pytest.mark.parametrize("canned", ["private", "bucket-owner-full-control", "bucket-owner-read"])
def test_an_acl_for_the_owner_changes_nothing(call, path, canned):
    assert call("PUT", path, headers={"x-amz-acl": canned}).status == 200
    assert call("PUT", path, headers={"content-length": str(len(OWNER))}, body=OWNER.encode()).status == 200
    assert call("PUT", path, headers={"x-amz-grant-read": f'id="{ACCOUNT_ID}"'}).status == 200
    assert call("GET", path).text.count("<Grant>") == 1


@pytest.mark.parametrize("path", ["/data?acl", "/data/k?acl", "/data/new", "/new-bucket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-acl": "public-read"},
        {"x-amz-acl": "authenticated-read"},
        {"x-amz-grant-read": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'},
        {"x-amz-grant-full-control": f'id="{ACCOUNT_ID}", id="111122223333"'},
    ],
)
def test_an_acl_that_lets_others_in_is_refused(call, path, headers):
    response = call("PUT", path, headers=headers)
    assert (response.status, "<Code>AccessControlListNotSupported</Code>" in response.text) == (400, True)
    assert call("GET", "/data/new").status == call("HEAD", "/new-bucket").status == 404


@pytest.mark.parametrize("path", ["/data?acl", "/data/k?acl"])
def test_a_policy_that_lets_others_in_is_refused(call, path):
    response = call("PUT", path, headers={"content-length": str(len(EVERYBODY))}, body=EVERYBODY.encode())
    assert "<Code>AccessControlListNotSupported</Code>" in response.text
    wrong = call("PUT", path, headers={"content-length": "4"}, body=b"<A/>")
    assert "<Code>MalformedXML</Code>" in wrong.text


def test_an_acl_of_what_is_not_there(call):
    assert "<Code>NoSuchBucket</Code>" in call("PUT", "/none?acl", headers={"x-amz-acl": "private"}).text
    assert "<Code>NoSuchKey</Code>" in call("PUT", "/data/none?acl", headers={"x-amz-acl": "private"}).text
