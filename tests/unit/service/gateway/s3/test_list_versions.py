"""ListObjectVersions of buckets that never had versions."""


def put(call, *keys):
    for key in keys:
        call("PUT", f"/data/{key}", body=b"x")


def test_each_object_is_its_only_version(call):
    put(call, "a", "b/c")
    text = call("GET", "/data?versions").text
    assert text.count("<Version>") == 2
    assert "<Key>a</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>" in text
    assert "<IsTruncated>false</IsTruncated>" in text
    assert "<CommonPrefixes><Prefix>b/</Prefix>" in call("GET", "/data?versions&delimiter=/").text


def test_pages(call):
    put(call, "a", "b", "c")
    first = call("GET", "/data?versions&max-keys=2").text
    assert "<NextKeyMarker>b</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>" in first
    rest = call("GET", "/data?versions&key-marker=b&version-id-marker=null").text
    assert (rest.count("<Version>"), "<Key>c</Key>" in rest) == (1, True)


def test_the_version_that_is_listed_is_read_and_deleted(call):
    put(call, "a")
    assert call("GET", "/data/a?versionId=null").body == b"x"
    body = b"<Delete><Object><Key>a</Key><VersionId>null</VersionId></Object></Delete>"
    assert "<Deleted>" in call("POST", "/data?delete", body=body).text
    assert call("GET", "/data/a").status == 404


def test_a_marker_of_a_version_without_its_key(call):
    assert call("GET", "/data?versions&version-id-marker=null").status == 400
    assert "<Code>NoSuchBucket</Code>" in call("GET", "/none?versions").text
