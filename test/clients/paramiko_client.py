"""What people do with paramiko, one thing for each call: STEP USER, the rest as JSON on stdin.

Prints one JSON object; a failure is a traceback and status 1. Run by test/e2e/clients/python.test.ts.
"""

import json
import os
import sys

import paramiko


def connect(options, user):
    client = paramiko.SSHClient()
    client.get_host_keys().clear()
    client.load_host_keys(options["known_hosts"])
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    common = {
        "pkey": paramiko.Ed25519Key.from_private_key_file(options["key"]),
        "look_for_keys": False,
        "allow_agent": False,
        "timeout": 15,
    }
    if options.get("jump"):
        outer = paramiko.SSHClient()
        outer.load_host_keys(options["known_hosts"])
        outer.connect(options["host"], options["port"], user, **common)
        sock = outer.get_transport().open_channel(
            "direct-tcpip", (options["jump"], 22), ("127.0.0.1", 0)
        )
        client.connect(options["jump"], 22, options["login"], sock=sock, **common)
        # Or it is closed when nobody refers to it any more.
        client.outer = outer
    else:
        client.connect(options["host"], options["port"], user, **common)
    return client


def run(client, command, data=b""):
    channel = client.get_transport().open_session()
    channel.exec_command(command)
    channel.sendall(data)
    channel.shutdown_write()
    output = b""
    while chunk := channel.recv(65536):
        output += chunk
    errors = b""
    while chunk := channel.recv_stderr(65536):
        errors += chunk
    return output, errors, channel.recv_exit_status()


def step_exec(client, options):
    output, errors, status = run(client, "cat; echo err >&2; exit 7", b"some input")
    return {"output": output.decode(), "errors": errors.decode(), "status": status}


def step_shell(client, options):
    channel = client.invoke_shell(term="vt100", width=91, height=33)
    channel.settimeout(15)
    channel.sendall(b"stty size; exit 5\n")
    seen = b""
    while chunk := channel.recv(65536):
        seen += chunk
    return {"seen": seen.decode(), "status": channel.recv_exit_status()}


def step_sftp(client, options):
    there = os.path.join(options["directory"], "there")
    back = os.path.join(options["directory"], "back")
    with client.open_sftp() as sftp:
        sftp.put(options["bytes"], there)
        sftp.rename(there, there + "2")
        sftp.get(there + "2", back)
        return {"names": sorted(sftp.listdir(options["directory"]))}


def step_forward(client, options):
    channel = client.get_transport().open_channel(
        "direct-tcpip", ("127.0.0.1", options["echo"]), ("127.0.0.1", 0)
    )
    channel.sendall(b"said")
    channel.shutdown_write()
    said = b""
    while chunk := channel.recv(65536):
        said += chunk
    return {"said": said.decode()}


def step_keepalive(client, options):
    client.get_transport().set_keepalive(1)
    output, _, status = run(client, "sleep 2.5; echo alive")
    return {"output": output.decode(), "status": status}


def step_rekey(client, options):
    """In the middle of a program: paramiko waits for itself when a channel is closed during one."""
    transport = client.get_transport()
    with open(options["bytes"], "rb") as file:
        data = file.read()
    channel = transport.open_session()
    channel.exec_command("cat")
    same = []
    for _ in range(3):
        channel.sendall(data)
        output = b""
        while len(output) < len(data):
            output += channel.recv(65536)
        transport.renegotiate_keys()
        same.append(output == data)
    return {"same": same}


def main():
    step, user = sys.argv[1:]
    options = json.load(sys.stdin)
    client = connect(options, user)
    try:
        print(json.dumps(globals()["step_" + step](client, options)))
    finally:
        client.close()


main()
