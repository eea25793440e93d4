"""Values of a job's trial component."""

from naiad.service.experiments.job_components import component_parameters


def test_numbers_are_numbers_and_the_rest_is_text():
    given = {"lr": "0.1", "net": "resnet", "seed": "nan", "count": 2, "huge": "1e400", "text": "x" * 3000}
    parameters = component_parameters(given)
    assert parameters["lr"] == {"NumberValue": 0.1}
    assert parameters["net"] == {"StringValue": "resnet"}
    assert parameters["seed"] == {"StringValue": "nan"}
    assert parameters["huge"] == {"StringValue": "1e400"}
    assert parameters["count"] == {"NumberValue": 2.0}
    assert len(parameters["text"]["StringValue"]) == 2500
    assert len(component_parameters({str(number): "1" for number in range(400)})) == 300
