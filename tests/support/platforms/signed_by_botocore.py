"""Prints what botocore states in `authorization` for a PUT, run by the interpreter of an environment that has botocore.

`python signed_by_botocore.py URL HEADERS BODY SECONDS`: headers in JSON, a body as text, a time since 1970.
"""

import json
import sys
from datetime import UTC, datetime

from botocore import auth  # type: ignore[import-not-found]
from botocore.awsrequest import AWSRequest  # type: ignore[import-not-found]
from botocore.credentials import Credentials  # type: ignore[import-not-found]

url, headers, body, seconds = sys.argv[1:]
at = datetime.fromtimestamp(int(seconds), UTC)
auth.get_current_datetime = lambda *_, **__: at
request = AWSRequest("PUT", url, headers=json.loads(headers), data=body.encode())
request.context["payload_signing_enabled"] = True
auth.S3SigV4Auth(Credentials("AKIDEXAMPLE", "s3cret", "t0ken"), "s3", "eu-central-1").add_auth(request)
sys.stdout.write(request.headers["Authorization"])
