"""What stands before moto: faults on request, and a log of who asked for what.

The faults file holds any of these; probabilities are 0 to 1:

    {"throttle": 0.1, "error500": 0.1, "lost_reply": 0.1,   probabilities
     "latency": 0.2,                                        seconds, before the answer
     "expired": true, "denied": true, "html": true, "truncated": true, "stale_tokens": true,
     "only": ["DescribeInstances"],                         just these actions
     "after": 1, "times": 2,                                let one pass, then fail two
     "no_capacity": ["group"]}                              these groups cannot launch

`lost_reply` carries the request out and then answers 500.
"""

import io
import json
import os
import random
import threading
import time
import urllib.parse
import uuid

# moto's state is not made for threads; one request or one tick at a time.
LOCK = threading.RLock()

READS = ("Describe", "Get", "List", "Receive")


class Faults:
    """The faults file as it is now."""

    def __init__(self) -> None:
        self.path, self._stamp, self._now, self._n_seen = None, None, {}, 0
        self._lock = threading.Lock()

    def read(self) -> dict:
        with self._lock:
            return self._read()

    def _read(self) -> dict:
        try:
            stat = os.stat(self.path)
            # A file that was renamed into place may be as old as the last one.
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                with open(self.path) as file:
                    self._now = json.load(file)
                self._stamp, self._n_seen = stamp, 0
        except (OSError, ValueError, TypeError):
            pass
        return self._now

    def for_request(self, action: str, has_token: bool) -> dict:
        """Returns the faults that apply to this request, and counts it."""
        with self._lock:
            faults = self._read()
            if not action or action not in faults.get("only", [action]):
                return {}
            if faults.get("stale_tokens") and not has_token:
                return {}
            n_before, self._n_seen = self._n_seen, self._n_seen + 1
            first = faults.get("after", 0)
            if n_before < first or n_before >= first + faults.get("times", 10**9):
                return {}
            return faults


FAULTS = Faults()


class Front:
    def __init__(self, moto, log: str | None, seed: int) -> None:
        self.moto = moto
        self.log = open(log, "a", buffering=1) if log else None
        self.random = random.Random(seed)

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith("/agents/"):
            return self.speak_for_agents(environ["PATH_INFO"], body, start_response)
        query = urllib.parse.parse_qs(body.decode("latin1"))
        parameters = {name: values[0] for name, values in query.items()}
        target = environ.get("HTTP_X_AMZ_TARGET", "").rsplit(".", 1)[-1]
        action = parameters.pop("Action", target)
        scope = environ.get("HTTP_AUTHORIZATION", "").split("/")
        service = scope[3] if len(scope) > 3 else ""
        key = scope[0].rpartition("=")[2]
        faults = FAULTS.for_request(action, "NextToken" in parameters)
        fault, status, headers, content = self.answer(faults, service, environ)
        # Logged before it is sent, so that who has the answer finds the line.
        if action:
            self.write_down(
                service=service,
                key=key,
                action=action,
                mutating=not action.startswith(READS),
                fault=fault,
                parameters=parameters,
            )
        kept = [it for it in headers if it[0].lower() not in HEADERS_OF_OURS]
        ours = [
            ("Content-Length", str(len(content))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        start_response(status, kept + ours)
        return [content]

    def write_down(self, **entry) -> None:
        if self.log:
            self.log.write(json.dumps({"t": round(time.time(), 3), **entry}) + "\n")

    def speak_for_agents(self, path: str, body: bytes, start_response):
        from . import agents

        with LOCK:
            content = agents.answer(path, body)
        verb = path.rsplit("/", 1)[-1]
        if verb != "observe":
            executor = json.loads(body)["executor"]
            self.write_down(
                service="ci",
                key="",
                action=verb.capitalize(),
                mutating=True,
                fault=None,
                parameters={"executor": executor},
            )
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response("200 OK", headers)
        return [content]

    def answer(self, faults: dict, service: str, environ):
        """Returns the fault's name (or None), and a status, headers and content."""
        if faults.get("latency"):
            time.sleep(faults["latency"])
        chance = lambda name: self.random.random() < faults.get(name, 0)
        is_ec2 = service == "ec2"
        if faults.get("expired"):
            code = "RequestExpired" if is_ec2 else "ExpiredToken"
            return "expired", *error(service, 400, code, "Request has expired.")
        if faults.get("denied"):
            if is_ec2:
                message = "You are not authorized to perform this operation."
                answer = error(service, 403, "UnauthorizedOperation", message)
            else:
                message = "User: arn:aws:iam::123456789012:user/ci is not authorized."
                answer = error(service, 403, "AccessDenied", message)
            return "denied", *answer
        if faults.get("stale_tokens"):
            answer = error(service, 400, "InvalidNextToken", "The token has expired.")
            return "stale_tokens", *answer
        if faults.get("html"):
            page = b"<html><body>Please log in</body></html>"
            return "html", "200 OK", [("Content-Type", "text/html")], page
        if chance("throttle"):
            code = ("RequestLimitExceeded", 503) if is_ec2 else ("Throttling", 400)
            return "throttle", *error(service, code[1], code[0], "Rate exceeded")
        if chance("error500"):
            return "error500", *internal_failure(service)
        status, headers, content = self.ask_moto(environ)
        if chance("lost_reply"):
            return "lost_reply", *internal_failure(service)
        if faults.get("truncated"):
            return "truncated", status, headers, content[: len(content) // 2]
        return None, status, headers, content

    def ask_moto(self, environ):
        answered = {}

        def start(status, headers, *_):
            answered.update(status=status, headers=headers)

        with LOCK:
            content = b"".join(self.moto(environ, start))
        return answered["status"], answered["headers"], content


HEADERS_OF_OURS = ("content-length", "x-amzn-requestid")

REASONS = {
    400: "400 Bad Request",
    403: "403 Forbidden",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}


def error(service: str, status: int, code: str, message: str):
    inner = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if service == "ec2":
        text = f"<Response><Errors>{inner}</Errors><RequestID>x</RequestID></Response>"
    else:
        text = f"<ErrorResponse>{inner}<RequestId>x</RequestId></ErrorResponse>"
    return REASONS[status], [("Content-Type", "text/xml")], text.encode()


def internal_failure(service: str):
    message = "An internal error has occurred"
    return error(service, 500, "InternalFailure", message)
