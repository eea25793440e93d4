from naiad.service.jobs.rendezvous import SDK_PORT, fixed_port, job_port


def test_each_job_has_its_own_port() -> None:
    ports = [job_port(f"job-{number}") for number in range(20)]
    assert len(set(ports)) == len(ports)
    assert job_port("job-3") == ports[3]
    assert all(1024 < port < 32768 for port in ports)


def test_the_scripts_of_the_sdk_use_a_fixed_port() -> None:
    drivers = {"InputDataConfig": [{"ChannelName": "train"}, {"ChannelName": "sm_drivers"}]}
    assert fixed_port(drivers, 2) == SDK_PORT
    assert fixed_port({"InputDataConfig": [{"ChannelName": "sagemaker_remote_function_bootstrap"}]}, 2) == SDK_PORT
    assert fixed_port(drivers, 1) is None
    assert fixed_port({"InputDataConfig": [{"ChannelName": "train"}]}, 2) is None
    assert fixed_port({}, 2) is None
