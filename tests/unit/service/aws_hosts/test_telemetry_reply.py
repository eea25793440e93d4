"""Telemetry is answered here, whatever it says."""


def test_a_report_is_answered_and_not_passed_on(start, outside):
    running = start()
    with running.connect_tls("sm-pysdk-t-us-east-1.s3.us-east-1.amazonaws.com") as connection:
        connection.sendall(b"GET /telemetry?x-accountId=000000000000 HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(4096) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        assert connection.recv(4096) == b""
    assert outside.requests == []


def test_a_report_without_end_is_cut_off(start):
    with start().connect_tls("sm-pysdk-t-us-east-1.s3.us-east-1.amazonaws.com") as connection:
        try:
            for _ in range(1000):
                connection.sendall(b"x" * 65536)
            raise AssertionError("it took 64 MB")
        except OSError:
            pass
