#!/usr/bin/env python3
"""How fast the program is up, beside the AWS CLI, against the same stand-in server.

    cargo build --release && python3 tests/bench/start.py

Makes an environment of its own under the target directory, starts the stand-in for Auto Scaling on loopback with 20 groups, and
measures in pairs, one after the other, so that a noisy machine is noisy to both. Reports medians and the ratio; and, in
a pseudo-terminal, the time from exec to the first frame, the memory of the console on the simulated region, and how
soon a key is answered while every call to AWS hangs for 5 s.
"""
import argparse, fcntl, json, os, pty, select, shutil, signal, socket, statistics, struct, subprocess, sys, tempfile, termios, time, venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
N_PAIRS, N_STARTS, N_KEYS = 10, 10, 200


def environment(target):
    """Returns the bin directory of an environment with the servers of the tests and the AWS CLI."""
    home = target / "bench-python"
    wanted = (ROOT / "tests/servers/requirements.txt").read_text() + "awscli==1.46.2\n"
    stamp = home / "made-of.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(home, clear=True, with_pip=True)
        pip = [home / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "moto[server]==5.2.5", "boto3==1.43.106"], check=True)
        # Beside the servers, whatever botocore it asks for.
        subprocess.run([sys.executable, "-m", "venv", home / "aws"], check=True)
        subprocess.run([home / "aws/bin/pip", "install", "--quiet", "--disable-pip-version-check", "awscli==1.46.2"], check=True)
        stamp.write_text(wanted)
    return home


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def wait_for(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("the stand-in server does not answer")


def timed(command, env):
    began = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True)
    taken = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return taken, done.stdout


def first_frame(command, env):
    """Returns the seconds from exec to the first bytes on the terminal that are a frame, and the resident MiB after 3 s."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 180, 0, 0))
    seen, taken = b"", None
    while time.perf_counter() - began < 3:
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 65536)
            if taken is None and b"pooldeck" in seen:
                taken = time.perf_counter() - began
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(it.split()[1]) / 1024 for it in status.splitlines() if it.startswith("VmRSS"))
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    os.close(terminal)
    return taken, resident


def answered_keys(command, env, faults):
    """Returns the seconds from each key to the first bytes of its answer, while every call hangs for 5 s."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 180, 0, 0))

    def read_for(seconds):
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            if select.select([terminal], [], [], left)[0]:
                os.read(terminal, 65536)

    read_for(3)
    os.write(terminal, b"gi")
    read_for(1)
    faults.write_text('{"latency": 5}')
    os.write(terminal, b"r")
    read_for(0.5)
    answers = []
    for key_idx in range(N_KEYS):
        began = time.perf_counter()
        os.write(terminal, b"jk"[key_idx % 2 :][:1])
        if not select.select([terminal], [], [], 5)[0]:
            sys.exit("a key was not answered")
        os.read(terminal, 65536)
        answers.append(time.perf_counter() - began)
        read_for(0.03)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    os.close(terminal)
    faults.write_text("{}")
    return sorted(answers)


def main():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pooldeck", type=Path, default=target / "release/pooldeck")
    pooldeck = str(options.parse_args().pooldeck)
    home = tempfile.mkdtemp()
    env = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "xterm-256color", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}
    starts = [first_frame([pooldeck, "--demo"], env) for _ in range(N_STARTS)]
    print(f"first frame: median {statistics.median(it[0] for it in starts) * 1000:.0f} ms of {N_STARTS}; memory {max(it[1] for it in starts):.0f} MiB")
    python = environment(target)
    port = free_port()
    faults = Path(home) / "faults.json"
    faults.write_text("{}")
    server = subprocess.Popen([python / "bin/python", ROOT / "tests/servers/lifecycle_moto.py", "--port", str(port), "--boot", "0.1", "--faults", faults], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        make = """
import boto3
a = boto3.client("autoscaling"); e = boto3.client("ec2")
image = e.describe_images()["Images"][0]["ImageId"]
a.create_launch_configuration(LaunchConfigurationName="c", ImageId=image, InstanceType="t3.micro")
for n in range(20): a.create_auto_scaling_group(AutoScalingGroupName=f"pool-{n:02}", LaunchConfigurationName="c", MinSize=0, MaxSize=5, DesiredCapacity=2, AvailabilityZones=["us-east-1a"])
"""
        subprocess.run([python / "bin/python", "-c", make], env=env, check=True)
        time.sleep(1)
        ours, theirs = [], []
        for _ in range(N_PAIRS):
            taken, text = timed([pooldeck, "pools", "-o", "json"], env)
            assert len(json.loads(text)["pools"]) == 20
            ours.append(taken)
            taken, text = timed([str(python / "aws/bin/aws"), "autoscaling", "describe-auto-scaling-groups"], env)
            assert len(json.loads(text)["AutoScalingGroups"]) == 20
            theirs.append(taken)
        mine, other = statistics.median(ours), statistics.median(theirs)
        print(f"pools -o json: {mine * 1000:.0f} ms; aws autoscaling describe-auto-scaling-groups: {other * 1000:.0f} ms; {other / mine:.1f} times faster, medians of {N_PAIRS} pairs")
        keys = answered_keys([pooldeck], env, faults)
        print(f"a key while calls hang: p50 {keys[N_KEYS // 2] * 1000:.1f} ms, p99 {keys[N_KEYS * 99 // 100] * 1000:.1f} ms of {N_KEYS} (limit 16 ms)")
    finally:
        server.terminate()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
