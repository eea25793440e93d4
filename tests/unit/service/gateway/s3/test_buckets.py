def test_their_life(call):
    assert call("PUT", "/new").headers["location"] == "/new"
    assert "<Code>BucketAlreadyOwnedByYou</Code>" in call("PUT", "/new").text
    assert "<Name>data</Name>" in call("GET", "/").text
    assert "<Name>new</Name>" not in call("GET", "/?prefix=d").text
    assert call("HEAD", "/new/").headers["x-amz-bucket-region"] == "eu-central-1"
    assert ">eu-central-1</LocationConstraint>" in call("GET", "/new?location").text
    assert call("DELETE", "/new").status == 204
    assert call("HEAD", "/new").status == 404


def test_bodies(call):
    good = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
    assert call("PUT", "/new", body=good).status == 200
    for wrong in (b"<Other/>", b"<Create", b'<!DOCTYPE a SYSTEM "file:///x"><CreateBucketConfiguration/>'):
        assert "<Code>MalformedXML</Code>" in call("PUT", "/other", body=wrong).text
