from naiad.service.jobs.rendezvous import SDK_PORT, fixed_port, own_port


def test_jobs_side_by_side_have_ports_of_their_own() -> None:
    ports = [own_port(f"job-{number}") for number in range(20)]
    assert len(set(ports)) == len(ports)
    assert own_port("job-3") == ports[3]
    assert all(1024 < port < 32768 for port in ports)


def test_the_sdks_scripts_meet_at_a_port_that_cannot_be_changed() -> None:
    drivers = {"InputDataConfig": [{"ChannelName": "train"}, {"ChannelName": "sm_drivers"}]}
    assert fixed_port(drivers, 2) == SDK_PORT
    assert fixed_port({"InputDataConfig": [{"ChannelName": "sagemaker_remote_function_bootstrap"}]}, 2) == SDK_PORT
    assert fixed_port(drivers, 1) is None
    assert fixed_port({"InputDataConfig": [{"ChannelName": "train"}]}, 2) is None
    assert fixed_port({}, 2) is None
