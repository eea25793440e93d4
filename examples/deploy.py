"""Train a network, deploy it, and get predictions: by Naiad's endpoint object, and by boto3 alone.

Start a server first, in another shell: naiad serve
"""

import io
import json
import tempfile

import numpy as np
from sklearn.datasets import load_digits

import naiad

images, digits = load_digits(return_X_y=True)

with tempfile.TemporaryDirectory() as folder:
    model = naiad.fit("mlp", (images, digits), epochs=5, out=f"{folder}/run", report=False)
    connection = naiad.connect()
    endpoint = connection.deploy(model, "digits")  # takes the fastest engine whose scores agree with the model

# The same call as on the model itself.
predictions = endpoint.predict(images[:5])
print("labels", predictions.labels.tolist(), "of", digits[:5].tolist())

# The call of any AWS client.
file = io.BytesIO()
np.save(file, images[:5].astype(np.float32))
answer = connection.client("sagemaker-runtime").invoke_endpoint(
    EndpointName="digits", Body=file.getvalue(), ContentType="application/x-npy", Accept="application/json"
)
print("boto3 ", json.load(answer["Body"])["labels"])

endpoint.delete()
