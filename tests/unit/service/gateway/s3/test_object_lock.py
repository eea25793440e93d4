"""Locks of objects, which no bucket has."""


def test_an_object_has_no_lock(call):
    call("PUT", "/data/k", body=b"x")
    for name in ("retention", "legal-hold"):
        assert "<Code>InvalidRequest</Code>" in call("GET", f"/data/k?{name}").text
        assert "<Code>NoSuchKey</Code>" in call("GET", f"/data/none?{name}").text
        assert call("PUT", f"/data/k?{name}", body=b"<A/>").status == 501


def test_a_bucket_with_locks_is_refused(call):
    response = call("PUT", "/locked", headers={"x-amz-bucket-object-lock-enabled": "true"})
    assert (response.status, "leave out ObjectLockEnabledForBucket" in response.text) == (501, True)
